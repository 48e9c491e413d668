internal import CHiredis

/// One reply, as hiredis built it; freed with its last owner.
// Unchecked, because the compiler can't know that the tree behind the pointer is never changed after hiredis handed it over:
// owners on any thread may read it, and it is freed once, by the last of them.
package final class RedisReply: @unchecked Sendable {
    private let tree: UnsafeMutablePointer<redisReply>

    init(owning tree: UnsafeMutablePointer<redisReply>) {
        self.tree = tree
    }

    deinit {
        freeReplyObject(tree)
    }

    /// The reply's outermost value.
    package var value: RedisValue { RedisValue(node: UnsafePointer(tree), reply: self) }
}

/// One value inside a reply. It keeps the reply alive; nothing is copied before it is asked for.
package struct RedisValue: Sendable {
    // Unsafe, as any pointer is to the compiler: it points into the tree that `reply` keeps alive, which nobody changes.
    private nonisolated(unsafe) let node: UnsafePointer<redisReply>
    private let reply: RedisReply

    fileprivate init(node: UnsafePointer<redisReply>, reply: RedisReply) {
        self.node = node
        self.reply = reply
    }

    /// True for RESP's null bulk string and null array.
    package var isNull: Bool { node.pointee.type == REDIS_REPLY_NIL }

    /// The value of an integer reply, or of a string that is one.
    package var integer: Int? {
        if node.pointee.type == REDIS_REPLY_INTEGER { return Int(node.pointee.integer) }
        return string.flatMap { Int($0) }
    }

    /// The text of a bulk or simple string; bytes that are not UTF-8 are replaced.
    package var string: String? {
        withBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// The text of an error reply.
    var error: String? {
        guard node.pointee.type == REDIS_REPLY_ERROR else { return nil }
        return String(decoding: rawBytes, as: UTF8.self)
    }

    /// Calls `body` with the bytes of a bulk or simple string, in place; nil for any other kind of value.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        guard node.pointee.type == REDIS_REPLY_STRING || node.pointee.type == REDIS_REPLY_STATUS else { return nil }
        return withExtendedLifetime(reply) { body(rawBytes) }
    }

    /// How many elements an array has; 0 for any other kind of value.
    package var count: Int {
        node.pointee.type == REDIS_REPLY_ARRAY ? node.pointee.elements : 0
    }

    /// The element at `index`; nil where there is none.
    package subscript(index: Int) -> RedisValue? {
        guard index >= 0, index < count, let element = node.pointee.element[index] else { return nil }
        return RedisValue(node: UnsafePointer(element), reply: reply)
    }

    /// Calls `body` with each pair of an array of names and values, in place; false, and nothing more is called, where
    /// it is not such an array.
    package func withPairs(_ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void) -> Bool {
        let count = self.count
        guard node.pointee.type == REDIS_REPLY_ARRAY, count.isMultiple(of: 2) else { return false }
        return withExtendedLifetime(reply) {
            for index in stride(from: 0, to: count, by: 2) {
                guard let name = node.pointee.element[index], let value = node.pointee.element[index + 1],
                    name.pointee.type == REDIS_REPLY_STRING, value.pointee.type == REDIS_REPLY_STRING
                else { return false }
                body(
                    UnsafeRawBufferPointer(start: name.pointee.str, count: name.pointee.len),
                    UnsafeRawBufferPointer(start: value.pointee.str, count: value.pointee.len)
                )
            }
            return true
        }
    }

    private var rawBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: node.pointee.str, count: node.pointee.len)
    }
}
