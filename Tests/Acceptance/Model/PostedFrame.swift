import Foundation
import RedisTesting

/// A frame as its producer made it: whatever comes under its id has to be the same.
struct PostedFrame: Sendable {
    /// So many that each of them hardly ever loses two frames in one way; no more than the service counts in three ways.
    static let cameras = 300

    let id: String
    let camera: String
    /// How many hours before it was posted it was captured, as it says.
    let age: Int
    /// Its fields as a dequeue has to show them, `frame_id` and `camera_id` among them.
    let fields: [String: JSON]
    /// That of the trace context in it; nil where the service begins a trace.
    let trace: String?
    /// As JSON; a payload beside which the fields stand in the query, where it is raw.
    let body: [UInt8]
    let isRaw: Bool

    /// Makes one that tells its parts from those of all others.
    ///
    /// - Parameters:
    ///   - camera: nil for any.
    ///   - age: in hours; nil for any.
    init(
        id: String,
        isRaw: Bool,
        camera: String? = nil,
        age: Int? = nil,
        using generator: inout SeededGenerator
    ) {
        self.id = id
        self.isRaw = isRaw
        let anyCamera = "cam\(Int.random(in: 0..<Self.cameras, using: &generator))"
        self.camera = camera ?? anyCamera
        // Most are small; some are too large for one read.
        let isLarge = Int.random(in: 0..<40, using: &generator) == 0
        let size = isLarge ? 70_000 : Int.random(in: 1...300, using: &generator)
        if isRaw {
            // Never UTF-8, as a payload that is text comes as it is.
            body = [0xFF] + (0..<size).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            trace = nil
            self.age = 0
            fields = [
                "frame_id": .string(id), "camera_id": .string(self.camera),
                "content_type": .string("application/octet-stream"), "data_encoding": .string("base64"),
                "data": .string(Data(body).base64EncodedString()),
            ]
            return
        }
        let number = "\(UInt64.random(in: .min ... .max, using: &generator)).10"
        let text = String(repeating: "\(id)|", count: size / (id.utf8.count + 1) + 1)
        let digits = (0..<2).map { _ in
            let text = String(UInt64.random(in: 1 ... .max, using: &generator), radix: 16)
            return String(repeating: "0", count: 16 - text.utf8.count) + text
        }
        trace = Bool.random(using: &generator) ? digits.joined() : nil
        let context = trace.map { #","_traceparent":"00-\#($0)-00f067aa0ba902b7-01""# } ?? ""
        // Far more than a run takes: whether it is too old for a poll does not depend on the time.
        let anyAge = Int.random(in: 0..<8, using: &generator) == 0 ? Int.random(in: 1...2, using: &generator) * 2 : 0
        let age = age ?? anyAge
        self.age = age
        let captured = age > 0 ? "\(Int(Date().timeIntervalSince1970) - age * 3600)" : nil
        let timestamp = captured.map { #","timestamp":\#($0)"# } ?? ""
        let parts = #""n":\#(number),"o":[{"t":"\#(text)"}]\#(timestamp)\#(context)"#
        body = Array(#"{"frame_id":"\#(id)","camera_id":"\#(self.camera)",\#(parts)}"#.utf8)
        var fields: [String: JSON] = [
            "frame_id": .string(id), "camera_id": .string(self.camera), "n": .number(number),
            "o": .array([.object(["t": .string(text)])]),
        ]
        fields["timestamp"] = captured.map { .number($0) }
        self.fields = fields
    }

    /// What differs in a frame that came; nil where it is this one.
    func difference(from frame: [String: JSON]) -> String? {
        for (name, value) in fields where frame[name] != value {
            return "\(name) is \(String(describing: frame[name]).prefix(80)) instead of \("\(value)".prefix(80))"
        }
        let others = frame.keys.filter { fields[$0] == nil && !$0.hasPrefix("_") }
        return others.isEmpty ? nil : "there are \(others.sorted()) that nobody sent"
    }
}
