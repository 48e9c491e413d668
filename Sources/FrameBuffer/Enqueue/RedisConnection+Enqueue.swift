internal import RedisClient

extension RedisConnection {
    /// Adds a frame to a stream.
    func add(_ entry: StreamEntry, to stream: String, completion: @escaping Completion) {
        let size = RESPEncoder.arraySize + RESPEncoder.bulkSize(4 + stream.utf8.count + 1) + entry.size + 64
        send(
            "XADD",
            size: size,
            encode: { encoder in
                encoder.array(3 + entry.wordCount)
                encoder.bulk("XADD")
                encoder.bulk(stream)
                encoder.bulk("*")
                entry.encode(into: &encoder)
            },
            completion: completion
        )
    }

    /// Asks how much a key holds.
    func count(_ command: String, _ key: String, completion: @escaping Completion) {
        let size = RESPEncoder.arraySize + RESPEncoder.bulkSize(5) + RESPEncoder.bulkSize(key.utf8.count)
        send(
            command,
            size: size,
            encode: { encoder in
                encoder.array(2)
                encoder.bulk(command)
                encoder.bulk(key)
            },
            completion: completion
        )
    }
}
