/// Reads JSON (RFC 8259) once and answers where its parts are; nothing is copied and nothing converted.
///
/// Stricter than the RFC where it leaves room: a name stands once in an object, at any depth and however it is escaped,
/// and surrogates come in pairs. The memory must outlive the scanner.
package struct JSONScanner {
    /// The index of the next byte to read.
    package private(set) var position = 0

    private let bytes: RawText
    private let limits: FrameLimits
    private let allowsDuplicateNames: Bool
    /// For each container that is open: where an object's names begin in `openNames`; nil for an array.
    private var openContainers: [Int?] = []
    private var openNames: [JSONText] = []

    /// A scanner of `bytes`, from their beginning or from `position` on.
    package init(_ bytes: UnsafeRawBufferPointer, limits: FrameLimits, from position: Int = 0) {
        self.init(bytes, limits: limits, allowsDuplicateNames: false)
        self.position = position
    }

    private init(_ bytes: UnsafeRawBufferPointer, limits: FrameLimits, allowsDuplicateNames: Bool) {
        self.bytes = RawText(bytes)
        self.limits = limits
        self.allowsDuplicateNames = allowsDuplicateNames
    }

    /// Says why `bytes` is not exactly one JSON value; nil where it is one.
    ///
    /// Made for text that is stored already: names may repeat inside, and no depth is too deep.
    package static func validateValue(_ bytes: UnsafeRawBufferPointer) -> FrameError? {
        do throws(FrameError) {
            var scanner = JSONScanner(bytes, limits: FrameLimits(nesting: .max), allowsDuplicateNames: true)
            scanner.skipBlanks()
            _ = try scanner.scanValue(depth: 0)
            try scanner.finish()
            return nil
        } catch {
            return error
        }
    }

    /// Reads the object at `position`, puts its members into `members` in place of what was there, and stops behind it.
    package mutating func scanObject(into members: inout [JSONMember]) throws(FrameError) {
        members.removeAll(keepingCapacity: true)
        let opening = position
        guard try next("a JSON object") == UInt8(ascii: "{") else {
            throw FrameError(.notAnObject, "a JSON object is expected", at: opening)
        }
        guard limits.nesting > 0 else { throw tooDeep(at: opening) }
        position += 1
        skipBlanks()
        if try next("a name or '}'") == UInt8(ascii: "}") {
            throw FrameError(.empty, "the object has no fields", at: opening)
        }
        repeat {
            let offset = position
            let name = try scanName()
            if name.unescapedCount > limits.fieldName {
                throw FrameError(
                    .fieldNameTooLong,
                    "a field's name is longer than \(limits.fieldName) bytes",
                    at: offset
                )
            }
            if members.count == limits.fields {
                throw FrameError(.tooManyFields, "there are more than \(limits.fields) fields", at: offset)
            }
            let (kind, value) = try scanValue(depth: 1)
            members.append(JSONMember(name: name, value: value, kind: kind))
        } while try !closes(with: UInt8(ascii: "}"))
        let repeated = members.withUnsafeBufferPointer { members in
            RepeatedName.firstIndex(members.count) { JSONName(text: members[$0].name, bytes: bytes) }
        }
        if let repeated { throw duplicate(members[repeated].name) }
    }

    /// Reads the array at `position` and stops behind it; calls `element` before each element, which moves past it.
    package mutating func scanArray(
        _ element: (inout JSONScanner) throws(FrameError) -> Void
    ) throws(FrameError) {
        guard try next("a JSON array") == UInt8(ascii: "[") else { throw unexpected("a JSON array") }
        position += 1
        skipBlanks()
        if try next("a value or ']'") == UInt8(ascii: "]") {
            position += 1
            return
        }
        repeat { try element(&self) } while try !closes(with: UInt8(ascii: "]"))
    }

    /// Moves past blanks, tabs and line ends.
    @inline(__always)
    package mutating func skipBlanks() {
        while position < bytes.count, bytes[position] <= 0x20 {
            switch bytes[position] {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): position &+= 1
            default: return
            }
        }
    }

    /// Refuses anything but blanks up to the end.
    package mutating func finish() throws(FrameError) {
        skipBlanks()
        if position < bytes.count {
            throw FrameError(.invalidJSON, "nothing may follow the JSON value", at: position)
        }
    }

    // MARK: Values

    /// Reads one value inside `depth` containers.
    @inline(__always)
    private mutating func scanValue(depth: Int) throws(FrameError) -> (JSONMember.Kind, JSONText) {
        let start = position
        let kind: JSONMember.Kind
        switch try next("a value") {
        case UInt8(ascii: "\""):
            return (.string, try scanString())
        case UInt8(ascii: "{"):
            kind = .object
            try skipContainers(depth: depth)
        case UInt8(ascii: "["):
            kind = .array
            try skipContainers(depth: depth)
        case let byte:
            kind = try skipScalar(byte)
        }
        return (kind, JSONText(start..<position, unescapedCount: position - start))
    }

    /// Moves past the object or array at `position`.
    ///
    /// Not recursive: how deep a text nests is its sender's choice, and the stack is ours.
    private mutating func skipContainers(depth: Int) throws(FrameError) {
        openContainers.removeAll(keepingCapacity: true)
        openNames.removeAll(keepingCapacity: true)
        repeat {
            switch try next("a value") {
            case UInt8(ascii: "{"):
                try open(depth: depth, object: true)
                if try next("a name or '}'") == UInt8(ascii: "}") { break }
                try scanNestedName()
                continue
            case UInt8(ascii: "["):
                try open(depth: depth, object: false)
                if try next("a value or ']'") == UInt8(ascii: "]") { break }
                continue
            case UInt8(ascii: "\""):
                _ = try scanString()
            case let byte:
                _ = try skipScalar(byte)
            }
            try closeContainers()
        } while !openContainers.isEmpty
    }

    private mutating func open(depth: Int, object: Bool) throws(FrameError) {
        guard openContainers.count < limits.nesting - depth else { throw tooDeep(at: position) }
        openContainers.append(object ? openNames.count : nil)
        position += 1
        skipBlanks()
    }

    /// After a value or an opening bracket: closes what ends here, and goes on to the next value of what does not.
    private mutating func closeContainers() throws(FrameError) {
        while let container = openContainers.last {
            guard let firstName = container else {
                guard try closes(with: UInt8(ascii: "]")) else { return }
                openContainers.removeLast()
                continue
            }
            guard try closes(with: UInt8(ascii: "}")) else { return try scanNestedName() }
            let repeated = openNames.withUnsafeBufferPointer { names in
                RepeatedName.firstIndex(names.count - firstName) {
                    JSONName(text: names[firstName + $0], bytes: bytes)
                }
            }
            if let repeated { throw duplicate(openNames[firstName + repeated]) }
            openNames.removeSubrange(firstName...)
            openContainers.removeLast()
        }
    }

    private mutating func scanNestedName() throws(FrameError) {
        let name = try scanName()
        if !allowsDuplicateNames { openNames.append(name) }
    }

    /// Behind a value: true, and past the bracket, where the container ends; false, and before the next element, where
    /// it goes on.
    @inline(__always)
    private mutating func closes(with bracket: UInt8) throws(FrameError) -> Bool {
        skipBlanks()
        let byte = position < bytes.count ? bytes[position] : 0
        guard byte == bracket || byte == UInt8(ascii: ",") else {
            throw unexpected(bracket == UInt8(ascii: "}") ? "',' or '}'" : "',' or ']'")
        }
        position &+= 1
        if byte == bracket { return true }
        skipBlanks()
        return false
    }

    private mutating func skipScalar(_ first: UInt8) throws(FrameError) -> JSONMember.Kind {
        switch first {
        case UInt8(ascii: "t"):
            try skipLiteral("true")
            return .bool
        case UInt8(ascii: "f"):
            try skipLiteral("false")
            return .bool
        case UInt8(ascii: "n"):
            try skipLiteral("null")
            return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            try skipNumber(first)
            return .number
        default:
            throw unexpected("a value")
        }
    }

    private mutating func skipLiteral(_ literal: StaticString) throws(FrameError) {
        for index in 0..<literal.utf8CodeUnitCount {
            guard position < bytes.count, bytes[position] == literal.utf8Start[index] else {
                throw unexpected(literal)
            }
            position &+= 1
        }
    }

    private mutating func skipNumber(_ first: UInt8) throws(FrameError) {
        if first == UInt8(ascii: "-") { position += 1 }
        if position < bytes.count, bytes[position] == UInt8(ascii: "0") {
            position += 1
        } else {
            try skipDigits()
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            try skipDigits()
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            try skipDigits()
        }
    }

    private mutating func skipDigits() throws(FrameError) {
        let start = position
        while position < bytes.count, bytes[position] &- UInt8(ascii: "0") < 10 { position += 1 }
        if position == start { throw unexpected("a digit") }
    }

    // MARK: Strings

    /// Reads a name and its colon, up to the value.
    @inline(__always)
    private mutating func scanName() throws(FrameError) -> JSONText {
        guard try next("a name") == UInt8(ascii: "\"") else { throw unexpected("a name in quotes") }
        let name = try scanString()
        skipBlanks()
        guard try next("':'") == UInt8(ascii: ":") else { throw unexpected("':'") }
        position += 1
        skipBlanks()
        return name
    }

    /// Reads the string whose opening quote is at `position`.
    @inline(__always)
    private mutating func scanString() throws(FrameError) -> JSONText {
        let start = position &+ 1
        let end = WordScan.endOfPlainRun(bytes, from: start)
        guard end < bytes.count, bytes[end] == UInt8(ascii: "\"") else { return try scanMixedString(from: end) }
        position = end &+ 1
        return JSONText(start..<end, unescapedCount: end &- start)
    }

    /// `scanString` for a string that has more than plain ASCII, from the first byte that is not.
    @inline(never)
    private mutating func scanMixedString(from first: Int) throws(FrameError) -> JSONText {
        let start = position + 1
        var index = first
        var saved = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                position = index + 1
                return JSONText(start..<index, unescapedCount: index - start - saved)
            case UInt8(ascii: "\\"):
                let escape = JSONEscape(bytes, at: index)
                guard let character = escape.character else {
                    throw escape.fault == .loneSurrogate
                        ? FrameError(.loneSurrogate, "a surrogate has no partner", at: index)
                        : FrameError(.invalidJSON, "the backslash begins no escape of JSON", at: index)
                }
                saved += escape.length - UTF8.width(character)
                index += escape.length
            case 0x80...:
                // Text of another script goes on in it: only its end sends us back to whole words.
                repeat {
                    let length = UTF8Text.sequenceLength(bytes, at: index)
                    if length == 0 { throw FrameError(.invalidUTF8, "the text is not UTF-8", at: index) }
                    index += length
                } while index < bytes.count && bytes[index] >= 0x80
            default:
                throw FrameError(.invalidJSON, "a control character stands in a string unescaped", at: index)
            }
            index = WordScan.endOfPlainRun(bytes, from: index)
        }
        throw FrameError(.invalidJSON, "a string has no end", at: position)
    }

    // MARK: Faults

    /// The byte at `position`.
    @inline(__always)
    private func next(_ expected: StaticString) throws(FrameError) -> UInt8 {
        guard position < bytes.count else { throw unexpected(expected) }
        return bytes[position]
    }

    // Made apart from where they are thrown: texts are costly to build, and would crowd the loops.

    @inline(never)
    private func unexpected(_ expected: StaticString) -> FrameError {
        let found = position < bytes.count ? "" : ", but the text ends"
        return FrameError(.invalidJSON, "\(expected) is expected\(found)", at: position)
    }

    @inline(never)
    private func tooDeep(at offset: Int) -> FrameError {
        FrameError(.nestedTooDeep, "objects and arrays are nested deeper than \(limits.nesting)", at: offset)
    }

    @inline(never)
    private func duplicate(_ name: JSONText) -> FrameError {
        let text = name.withUnescaped(in: bytes) { $0.string }
        return FrameError(.duplicateField, "the name '\(text)' stands twice", at: name.range.lowerBound - 1)
    }
}
