/// The text of `_json`: the names of the fields that are JSON, with commas between them, `%` and `,` in a name as `%25`
/// and `%2C`.
///
/// A field may have an empty name. Alone it would leave no text, which says that no field is JSON: it stands twice then.
enum JSONFieldList {
    private static let comma = UInt8(ascii: ",")
    private static let percent = UInt8(ascii: "%")

    /// Writes the list of `names`, one or more, to `memory`.
    ///
    /// - Returns: the bytes written, at most one and for each name one more than three times its bytes.
    static func write(
        _ names: some Sequence<RawText>,
        into memory: UnsafeMutableRawBufferPointer
    ) -> Int {
        guard let start = memory.baseAddress else { return 0 }
        var memory = JSONMemory(start, room: memory.count)
        var isFirst = true
        for name in names {
            if !isFirst { memory.put(comma) }
            isFirst = false
            for index in 0..<name.count {
                switch name[index] {
                case percent: memory.put(JSONValueText(json: ("%25" as StaticString).bytes))
                case comma: memory.put(JSONValueText(json: ("%2C" as StaticString).bytes))
                default: memory.put(name[index])
                }
            }
        }
        if memory.count == 0 { memory.put(comma) }
        return memory.count
    }

    /// Calls `body` with each name of `list` until it answers false.
    ///
    /// - Returns: false where `body` did, or where a `%` begins neither `%25` nor `%2C`.
    static func forEachName(
        in list: RawText,
        _ body: (RawText) -> Bool
    ) -> Bool {
        guard !list.isEmpty else { return true }
        var start = 0
        var isEscaped = false
        for index in 0...list.count {
            if index < list.count, list[index] != comma {
                if list[index] == percent { isEscaped = true }
                continue
            }
            let name = list[start..<index]
            if isEscaped {
                guard let unescaped = unescape(name),
                    unescaped.withUnsafeBytes({ body(RawText($0)) })
                else { return false }
            } else {
                guard body(name) else { return false }
            }
            start = index + 1
            isEscaped = false
        }
        return true
    }

    private static func unescape(_ name: RawText) -> [UInt8]? {
        var unescaped: [UInt8] = []
        var index = 0
        while index < name.count {
            if name[index] != percent {
                unescaped.append(name[index])
                index += 1
                continue
            }
            guard index + 2 < name.count, name[index + 1] == UInt8(ascii: "2") else { return nil }
            switch name[index + 2] {
            case UInt8(ascii: "5"): unescaped.append(percent)
            case UInt8(ascii: "C"), UInt8(ascii: "c"): unescaped.append(comma)
            default: return nil
            }
            index += 3
        }
        return unescaped
    }
}
