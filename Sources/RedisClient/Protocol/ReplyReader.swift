internal import CHiredis

/// hiredis' RESP reader with the bounds that it lacks: how large a reply may be, and how long an array.
///
/// hiredis 0.14 would wait for ever for `$9999999999` and allocate what `*2147483647` announces.
final class ReplyReader {
    private let reader: UnsafeMutablePointer<redisReader>
    /// hiredis keeps the address of these for as long as there is the reader.
    private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>
    private let limit: Int

    /// A reader that refuses a reply of more than `limit` bytes.
    init?(limit: Int) {
        let functions = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
        functions.initialize(to: BoundedReplies.functions)
        guard let reader = redisReaderCreateWithFunctions(functions) else {
            functions.deallocate()
            return nil
        }
        self.reader = reader
        self.functions = functions
        self.limit = limit
    }

    deinit {
        redisReaderFree(reader)
        functions.deallocate()
    }

    /// Takes what came from the socket.
    func feed(_ bytes: UnsafeRawBufferPointer) throws(RedisError) {
        guard bytes.count <= limit - (reader.pointee.len - reader.pointee.pos) else {
            throw RedisError(.protocolViolation, "a reply of more than \(limit) bytes")
        }
        guard redisReaderFeed(reader, bytes.bindMemory(to: CChar.self).baseAddress, bytes.count) == REDIS_OK else {
            throw failure
        }
    }

    /// The next whole reply; nil: more bytes are needed.
    func next() throws(RedisError) -> RedisReply? {
        var object: UnsafeMutableRawPointer?
        guard redisReaderGetReply(reader, &object) == REDIS_OK else { throw failure }
        guard let object else { return nil }
        return RedisReply(owning: object.assumingMemoryBound(to: redisReply.self))
    }

    private var failure: RedisError {
        let text = withUnsafeBytes(of: reader.pointee.errstr) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return RedisError(.protocolViolation, text)
    }
}

/// hiredis' own reply functions, but for arrays longer than any command of ours is answered with.
private enum BoundedReplies {
    static let longestArray: CInt = 1 << 20

    static let original: redisReplyObjectFunctions = {
        guard let reader = redisReaderCreate() else { return redisReplyObjectFunctions() }
        defer { redisReaderFree(reader) }
        return reader.pointee.fn.pointee
    }()

    static let functions: redisReplyObjectFunctions = {
        var functions = original
        functions.createArray = { task, elements in
            elements > longestArray ? nil : original.createArray(task, elements)
        }
        return functions
    }()
}
