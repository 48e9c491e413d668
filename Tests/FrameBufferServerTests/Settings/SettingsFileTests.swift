import FoundationEssentials
import FrameBufferServer
import Testing

@Suite("The settings file")
struct SettingsFileTests {
    /// The file that the project ships.
    private static let shipped: URL = {
        var url = URL(filePath: #filePath)
        for _ in 0..<4 { url.deleteLastPathComponent() }
        return url.appending(path: Settings.defaultFile)
    }()

    @Test("that is shipped says of each setting its default, what it is good for and for whom")
    func shippedFile() async throws {
        let text = try String(contentsOf: Self.shipped, encoding: .utf8)
        let lines = text.split(separator: "\n").map { $0.drop { $0 == " " } }
        let comments = lines.filter { $0.hasPrefix("# ") }.map { $0.dropFirst(2) }.joined(separator: " ")
        for setting in SettingDefinition.all {
            let name = setting.key.split(separator: ".").last ?? ""
            let line = setting.isList ? "- \(setting.defaultText)" : "\(name): \(setting.defaultText)"
            #expect(lines.contains { $0 == line }, "\(setting.key)")
            #expect(comments.contains(setting.summary), "\(setting.key)")
        }
        #expect(try await load(file: Self.shipped.path()) == Settings())
    }

    @Test("is named by the environment where the command line names none")
    func named() async throws {
        try await withFile("port: 1\n") { first in
            try await withFile("port: 2\n") { second in
                let fromEnvironment = try await load([:], ["FRAMEBUFFER_CONFIG": first])
                let fromCommandLine = try await load(file: second, ["FRAMEBUFFER_CONFIG": first])
                #expect(fromEnvironment.port == 1)
                #expect(fromCommandLine.port == 2)
            }
        }
    }

    @Test("must be there if it is named")
    func missing() async {
        let option = await error { try await load(file: "/nonexistent/f.yaml") }
        #expect(option?.exitCode == 64)
        #expect(option?.description.hasPrefix("--config (/nonexistent/f.yaml) can't be used: ") == true)
        let variable = await error { try await load([:], ["FRAMEBUFFER_CONFIG": "/nonexistent/f.yaml"]) }
        #expect(variable?.exitCode == 78)
        #expect(variable?.description.hasPrefix("FRAMEBUFFER_CONFIG in the environment (/nonexistent/f.yaml)") == true)
    }

    @Test(
        "must be a YAML mapping with each key once",
        arguments: ["port: [", "- a", "text", "port: 1\nport: 2\n", "\u{1}"]
    )
    func malformed(_ text: String) async throws {
        try await withFile(text) { file in
            let error = await error { try await load(file: file) }
            #expect(error?.exitCode == 64)
            #expect(error?.problems.count == 1)
        }
    }

    static let unknown: [(String, key: String, meant: String?)] = [
        ("prot: 1", "prot", "port"), ("capacity: 5", "capacity", nil),
        ("capacity:\n  frame: 5", "capacity.frame", "capacity.frames"),
        ("port:\n  number: 5", "port.number", nil), ("FRAMEBUFFER_PORT: 5", "FRAMEBUFFER_PORT", nil),
    ]

    @Test("refuses keys that are no settings, and guesses what was meant", arguments: unknown)
    func unknownKeys(_ text: String, _ key: String, _ meant: String?) async throws {
        try await withFile(text + "\n") { file in
            let error = await error { try await load(file: file) }
            let guess = meant.map { "; did you mean \($0)?" } ?? ""
            #expect(error?.description == "\(key) in \(file) is no setting of this version\(guess)")
            #expect(error?.exitCode == 78)
        }
    }
}
