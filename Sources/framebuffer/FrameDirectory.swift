import FoundationEssentials
import FrameBufferClient
import Glibc
import NIOCore

/// A directory that frames are written to as files, numbered in the order in which they come.
final class FrameDirectory {
    private let path: String
    private var number: Int

    /// Makes the directory where it is missing. Numbers go on after those of the files that are in it.
    ///
    /// - Throws: `Failure` where it can't be made or written.
    init(path: String) throws(Failure) {
        self.path = path
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            let numbers = try FileManager.default.contentsOfDirectory(atPath: path).map { name in
                Int(name.prefix { $0.isASCII && $0.isNumber }) ?? 0
            }
            number = numbers.max() ?? 0
        } catch {
            throw Failure("\(path) can't be made a directory for frames", exitCode: Failure.unusableOutput)
        }
        guard access(path, W_OK | X_OK) == 0 else {
            throw Failure("\(path) can't be written", exitCode: Failure.unusableOutput)
        }
    }

    /// Writes the payload, or where there is none the service's JSON reply.
    ///
    /// - Returns: the file's path, e.g. `frames/000017_cam01-5.jpg`. Nothing of a frame id can lead out of the directory.
    /// - Throws: `Failure` with the frame's ids where it can't be written.
    func write(_ frame: DequeuedFrame) throws(Failure) -> String {
        let (bytes, ending) =
            switch frame.content {
            case .payload(let bytes, let contentType): (bytes, MediaType.fileExtension(of: contentType))
            case .fields(let bytes): (bytes, "json")
            }
        number += 1
        let digits = String(number)
        let padding = String(repeating: "0", count: max(0, 6 - digits.utf8.count))
        let file = "\(path)/\(padding)\(digits)_\(Self.safe(frame.frameID)).\(ending)"
        do {
            try Data(bytes.readableBytesView).write(to: URL(filePath: file), options: .withoutOverwriting)
        } catch {
            throw Failure(
                "\(file) can't be written: the frame \(frame.frameID) (message \(frame.messageID)) is taken and lost",
                exitCode: Failure.unusableOutput
            )
        }
        return file
    }

    private static func safe(_ name: String) -> String {
        let characters = name.unicodeScalars.prefix(100).map { scalar -> Character in
            let isSafe = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
            return isSafe || "-_.".unicodeScalars.contains(scalar) ? Character(scalar) : "-"
        }
        return String(characters)
    }
}
