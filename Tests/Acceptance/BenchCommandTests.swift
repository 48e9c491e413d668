import Foundation
import Testing

/// `framebuffer bench`, which needs neither a service nor Redis.
@Suite("framebuffer bench", .timeLimit(.minutes(1)))
struct BenchCommandTests {
    private func run(_ arguments: String...) async throws -> CommandRun {
        try await CommandRun(FrameBufferProcess.executable, ["bench"] + arguments)
    }

    @Test("says what each kind of step takes with and without tracing, and how large an open context is")
    func figures() async throws {
        let json = try await run("--json", "--steps", "2000")
        #expect(json.exitCode == 0, "\(json.errors)")
        let report = try JSONDecoder().decode(Report.self, from: Data(try #require(json.lines.first).utf8))
        #expect(report.steps.allSatisfy { 0 < $0.p50 && $0.p50 <= $0.p99 })
        let kinds = report.steps.map { "\($0.operation) \($0.mode)" }
        #expect(
            kinds == [
                "inject recorded", "extract recorded", "inject not sampled", "extract not sampled", "inject disabled",
                "extract disabled",
            ]
        )
        #expect(report.steps[0].p50 > report.steps[4].p50)
        #expect((300...10_000).contains(report.openContextBytes))

        let text = try await run("--steps", "2000")
        #expect(text.lines.count == 7 && text.lines[0].hasPrefix("inject, recorded: p50 "))
        #expect(text.lines.last?.hasPrefix("an open context: ") == true)
    }

    @Test("measures nothing without steps")
    func noSteps() async throws {
        let refused = try await run("--steps", "0")
        #expect(refused.exitCode == 64 && refused.lines.isEmpty)
    }

    private struct Report: Decodable {
        struct Step: Decodable {
            var operation: String
            var mode: String
            var p50: Double
            var p99: Double
        }
        var steps: [Step]
        var openContextBytes: Int
    }
}
