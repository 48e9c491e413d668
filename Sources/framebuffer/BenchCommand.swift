import ArgumentParser
import FoundationEssentials
import FrameTracking

/// Says what tracing costs a Swift program on this machine, within its process.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure what tracing costs a program on this machine.",
        discussion: """
            A step is what the library FrameTracking does for one step in a frame's way. inject: a TraceContext for a frame, an \
            event, three attributes, its context into the message, its end. extract: the same for a message that brings a \
            context. Spans are kept here and not sent. What the service costs is measured by scripts/bench.
            """
    )

    @Option(help: "How many steps of each kind.")
    var steps = 100_000

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard steps > 0 else { throw ValidationError("There have to be steps.") }
    }

    func run() throws {
        // First, as long as no memory was freed that could be used again.
        let openContextBytes = try TracingCost.openContextBytes(contexts: steps)
        let costs = TracingCost.Mode.allCases.flatMap { mode in
            TracingCost.Operation.allCases.map { TracingCost(of: $0, mode, steps: steps) }
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            let report = Report(steps: costs, openContextBytes: openContextBytes)
            try Console.write(String(decoding: try encoder.encode(report), as: UTF8.self))
        } else {
            for cost in costs {
                try Console.write("\(cost.operation), \(cost.mode.rawValue): p50 \(cost.p50) µs, p99 \(cost.p99) µs")
            }
            try Console.write("an open context: \(openContextBytes) bytes")
        }
    }

    private struct Report: Encodable {
        var steps: [TracingCost]
        var openContextBytes: Int
    }
}
