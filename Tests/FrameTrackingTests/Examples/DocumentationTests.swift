import Foundation
import Testing

@Suite("The documentation")
struct DocumentationTests {
    private static let root = URL(fileURLWithPath: #filePath).pathComponents.dropLast(4)
        .reduce(URL(fileURLWithPath: "/")) { $0.appendingPathComponent($1) }

    /// The files of a folder with that ending, as lines.
    private func files(in folder: String, ending: String) throws -> [[Substring]] {
        let folder = Self.root.appendingPathComponent(folder)
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == ending }
            .map {
                try String(contentsOf: $0, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
            }
    }

    /// What stands between a line that is `start` and one that is `end`, without what it is indented by.
    private func parts(of lines: [Substring], from start: String, to end: String) -> [String] {
        var parts: [String] = []
        var rest = lines[...]
        while let first = rest.firstIndex(where: { $0.trimmingCharacters(in: .whitespaces) == start }),
            let last = rest[first...].firstIndex(where: { $0.trimmingCharacters(in: .whitespaces) == end })
        {
            let part = rest[first...].prefix(upTo: last).dropFirst()
            let indentation = part.first.map { $0.prefix { $0 == " " }.count } ?? 0
            parts.append(part.map { String($0.dropFirst(indentation)) }.joined(separator: "\n"))
            rest = rest[(last + 1)...]
        }
        return parts
    }

    @Test("shows the examples that are tested, each as it stands, and no other Swift")
    func examples() throws {
        let examples = try files(in: "Tests/FrameTrackingExamples", ending: "swift")
            .flatMap { parts(of: $0, from: "// shown", to: "// end") }
        let shown = try files(in: "Sources/FrameTracking/FrameTracking.docc", ending: "md")
            .flatMap { parts(of: $0, from: "```swift", to: "```") }
        #expect(!shown.isEmpty)
        #expect(shown.sorted() == examples.sorted())
    }
}
