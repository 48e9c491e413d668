import RedisTesting

extension RedisServer {
    /// An entry of a stream as Redis has it.
    struct Entry {
        let id: String
        let fields: [(name: String, value: String)]

        /// The last value of that name.
        subscript(name: String) -> String? { fields.last { $0.name == name }?.value }
    }

    /// All entries of a stream whose fields are text.
    func entries(of stream: String = "frames:queue") async throws -> [Entry] {
        let script = """
            local entries = redis.call('XRANGE', KEYS[1], '-', '+')
            if #entries == 0 then return '[]' end
            return cjson.encode(entries)
            """
        guard case .array(let entries) = try JSON(try await cli("EVAL", script, "1", stream)) else { return [] }
        return entries.compactMap { entry in
            guard let id = entry[0]?.string, case .array(let words)? = entry[1] else { return nil }
            return Entry(
                id: id,
                fields: stride(from: 0, to: words.count - 1, by: 2).map { index in
                    (words[index].string ?? "", words[index + 1].string ?? "")
                }
            )
        }
    }

    /// The value of one field of an entry, byte for byte.
    func bytes(of field: String, in messageID: String, of stream: String = "frames:queue") async throws -> [UInt8] {
        let script = """
            local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
            for i = 1, #entry[2], 2 do
                if entry[2][i] == ARGV[2] then return entry[2][i + 1] end
            end
            """
        // redis-cli ends what it prints with a line end of its own.
        return Array(try await cliData(["EVAL", script, "1", stream, messageID, field]).dropLast())
    }

    /// A number of `INFO`.
    func info(_ name: String) async throws -> Int? {
        let lines = try await cli("INFO").split(whereSeparator: \.isNewline)
        return lines.first { $0.hasPrefix("\(name):") }.flatMap { Int($0.dropFirst(name.count + 1)) }
    }

    /// Waits until no consumer of the group has looked into the queue for that long; returns whether that came.
    func consumersRest(for time: Duration) async throws -> Bool {
        let script = """
            local least = math.huge
            for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
                for i = 1, #consumer, 2 do
                    if consumer[i] == 'idle' then least = math.min(least, consumer[i + 1]) end
                end
            end
            return least >= tonumber(ARGV[2]) and 1 or 0
            """
        let milliseconds = "\(time.components.seconds * 1000 + time.components.attoseconds / 1_000_000_000_000_000)"
        return try await eventually {
            try await cli("EVAL", script, "1", "frames:queue", "workers", milliseconds) == "1"
        }
    }
}
