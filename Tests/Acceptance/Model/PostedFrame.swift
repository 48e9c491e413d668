import Foundation
import RedisTesting

/// A frame as its producer made it: whatever comes under its id has to be the same.
struct PostedFrame: Sendable {
    let id: String
    let camera: String
    /// Its fields as a dequeue has to show them, `frame_id` and `camera_id` among them.
    let fields: [String: JSON]
    /// That of the trace context in it; nil where the service begins a trace.
    let trace: String?
    /// As JSON; a payload beside which the fields stand in the query, where it is raw.
    let body: [UInt8]
    let isRaw: Bool

    /// Makes one that tells its parts from those of all others.
    init(id: String, isRaw: Bool, using generator: inout SeededGenerator) {
        self.id = id
        self.isRaw = isRaw
        // So many that each of them is hardly ever dropped twice; no more than the service counts.
        camera = "cam\(Int.random(in: 0..<500, using: &generator))"
        // Most are small; some are too large for one read.
        let isLarge = Int.random(in: 0..<40, using: &generator) == 0
        let size = isLarge ? 70_000 : Int.random(in: 1...300, using: &generator)
        if isRaw {
            // Never UTF-8, as a payload that is text comes as it is.
            body = [0xFF] + (0..<size).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            trace = nil
            fields = [
                "frame_id": .string(id), "camera_id": .string(camera),
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
        body = Array(
            #"{"frame_id":"\#(id)","camera_id":"\#(camera)","n":\#(number),"o":[{"t":"\#(text)"}]\#(context)}"#.utf8
        )
        fields = [
            "frame_id": .string(id), "camera_id": .string(camera), "n": .number(number),
            "o": .array([.object(["t": .string(text)])]),
        ]
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
