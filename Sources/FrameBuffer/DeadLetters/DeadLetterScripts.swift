internal import RedisClient

/// What is done with dead letters, each in one step.
enum DeadLetterScripts {
    static let all = [list, redrive, redriveAll, delete, deleteAll]

    /// One portion of the dead letters, without their payloads. KEYS dead. ARGV where to begin, the portion. Returns id,
    /// reason, deliveries, former id, `frame_id`, `camera_id`, `_traceparent` and `_tracestate` of each.
    static let list = RedisScript(
        "dead letters",
        """
        #!lua flags=no-writes
        local letters = {}
        for _, entry in ipairs(redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])) do
            local about = {}
            for i = 1, #entry[2], 2 do about[entry[2][i]] = entry[2][i + 1] end
            local letter = {entry[1]}
            for _, name in ipairs({
                '_dead_reason', '_dead_deliveries', '_dead_message_id', 'frame_id', 'camera_id', '_traceparent', '_tracestate'
            }) do table.insert(letter, about[name] or '') end
            table.insert(letters, letter)
        end
        return letters
        """
    )

    /// Puts these dead letters into the stream again, as new frames, while there is room. KEYS stream, kept, dead. ARGV
    /// capacity, how many more bytes there may be (empty: any number), then ids. Returns what spans say of each, 1 if the queue
    /// was full before all were, and how many bytes they take.
    static let redrive = RedisScript(
        "redrive",
        """
        #!lua
        \(redriving)
        for i = 3, #ARGV do
            local entry = redis.call('XRANGE', KEYS[3], ARGV[i], ARGV[i])[1]
            if entry then
                if not hasRoom(entry) then return {redriven, 1, added} end
                redrive(entry)
            end
        end
        return {redriven, 0, added}
        """
    )

    /// The same for one portion of all. ARGV the same two, where to begin, where to end (empty: with the last there is), the
    /// portion. Returns the same three, the last one looked at (empty: there was none), and the end.
    static let redriveAll = RedisScript(
        "redrive all",
        """
        #!lua
        \(redriving)
        local last = ARGV[4]
        if last == '' then
            local entry = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
            if not entry then return {{}, 0, 0, '', ''} end
            last = entry[1]
        end
        local seen = ''
        for _, entry in ipairs(redis.call('XRANGE', KEYS[3], ARGV[3], last, 'COUNT', ARGV[5])) do
            if not hasRoom(entry) then return {redriven, 1, added, seen, last} end
            redrive(entry)
            seen = entry[1]
        end
        return {redriven, 0, added, seen, last}
        """
    )

    /// Both begin with what fails, where it does, before anything is written: a key that is no stream.
    private static let redriving = """
        redis.call('XLEN', KEYS[1])
        \(QueueScripts.weighing)
        local room, added = tonumber(ARGV[2]), 0
        local function hasRoom(entry)
            local size = redis.call('XLEN', KEYS[1]) - redis.call('ZCARD', KEYS[2])
            local bytes = room and weight(entry[2], 1, #entry[2]) or 0
            if size >= tonumber(ARGV[1]) or size > 0 and added + bytes > (room or 0) then return false end
            added = added + bytes
            return true
        end
        \(QueueScripts.epitaph)
        local redriven = {}
        local function redrive(entry)
            local words = {}
            for i = 1, #entry[2], 2 do
                if string.sub(entry[2][i], 1, 6) ~= '_dead_' then
                    table.insert(words, entry[2][i])
                    table.insert(words, entry[2][i + 1])
                end
            end
            -- One that had to leave its fields behind is no frame any more.
            if #words == 0 then return end
            local id = redis.call('XADD', KEYS[1], '*', unpack(words))
            redis.call('XDEL', KEYS[3], entry[1])
            table.insert(redriven, epitaph({id, words}))
        end
        """

    /// Deletes these dead letters. KEYS dead. ARGV ids. Returns how many there were.
    static let delete = RedisScript(
        "delete dead letters",
        """
        #!lua flags=allow-oom
        return redis.call('XDEL', KEYS[1], unpack(ARGV))
        """
    )

    /// Deletes all dead letters. KEYS dead. Returns how many there were.
    static let deleteAll = RedisScript(
        "delete all dead letters",
        """
        #!lua flags=allow-oom
        local count = redis.call('XLEN', KEYS[1])
        redis.call('DEL', KEYS[1])
        return count
        """
    )
}
