import ArgumentParser
import FrameBufferServer
import Testing

@testable import framebuffer

@Suite("The options of framebuffer serve")
struct ServeOptionsTests {
    @Test("have one for every setting, which gives that setting and no other", arguments: SettingDefinition.all)
    func everySetting(_ setting: SettingDefinition) throws {
        let command = try #require(
            try FrameBufferCommand.parseAsRoot(["serve", "--\(setting.optionName)", "text"]) as? ServeCommand
        )
        #expect(command.values == [setting: "text"])
    }

    @Test("are told in the help with their variables and defaults")
    func help() {
        let help = FrameBufferCommand.helpMessage(for: ServeCommand.self, columns: 1_000)
        for setting in SettingDefinition.all {
            #expect(help.contains("--\(setting.optionName) <\(setting.placeholder)>"))
            #expect(help.contains("[\(setting.environmentName)] (default: \(setting.defaultText))"))
        }
    }

    @Test("refuse what is no option with exit code 64", arguments: [["--nonsense"], ["--port"], ["extra"]])
    func unknown(_ arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try FrameBufferCommand.parseAsRoot(["serve"] + arguments) }
        #expect(error.map { FrameBufferCommand.exitCode(for: $0).rawValue } == 64)
    }
}
