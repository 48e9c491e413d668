internal import NIOCore

/// A Lua script: what must happen in Redis in one step.
package struct RedisScript: Sendable, Hashable {
    /// For errors and logs.
    package let name: String
    /// Its text, beginning with `#!lua` and its flags.
    package let source: String

    /// - Parameters:
    ///   - name: for errors and logs.
    ///   - source: the text, beginning with `#!lua` and its flags.
    package init(_ name: String, _ source: String) {
        self.name = name
        self.source = source
    }

    /// The name tells most of them apart; the text is long.
    package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// One call of a script, encoded. A class, as who waits for any command's reply may hold one: most hold none.
package final class ScriptCall: Sendable {
    /// What is called.
    package let script: RedisScript
    /// How many words `words` holds.
    let count: Int
    /// The number of keys, the keys and the arguments in RESP.
    let words: ByteBuffer

    /// A call whose arguments are texts.
    package convenience init(_ script: RedisScript, keys: [String], _ arguments: [String] = []) {
        self.init(script, keys: keys, count: arguments.count, size: RESPEncoder.bulkSize(of: arguments)) { encoder in
            for argument in arguments { encoder.bulk(argument) }
        }
    }

    /// A call whose `count` arguments, of at most `size` bytes in RESP, `encode` writes.
    package init(
        _ script: RedisScript,
        keys: [String],
        count: Int,
        size: Int,
        encode: (inout RESPEncoder) -> Void
    ) {
        self.script = script
        self.count = 1 + keys.count + count
        let room = RESPEncoder.arraySize + RESPEncoder.bulkSize(of: keys) + size
        var words = ByteBuffer()
        words.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { memory in
            var encoder = RESPEncoder(into: memory)
            encoder.bulk(keys.count)
            for key in keys { encoder.bulk(key) }
            encode(&encoder)
            return encoder.count
        }
        self.words = words
    }
}
