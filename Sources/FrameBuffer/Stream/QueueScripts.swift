internal import RedisClient

/// What must happen in Redis in one step.
///
/// Those that need the group begin with `XPENDING`, which fails without it before anything is written. What settles or
/// returns frames runs out of memory too (`allow-oom`), as it is what frees some.
enum QueueScripts {
    /// All of them, to be loaded at each connect.
    static let all =
        [
            enqueue, enqueueDropping, enqueueAll, enqueueAllDropping, take, settle, giveBack, reap, bury, giveUp,
            ensureGroup,
            size, beat, tidy, clearGhosts, delete, purge, discard,
        ]
        + LeaseScripts.all + DeadLetterScripts.all + LookScripts.all

    /// KEYS stream, kept. ARGV capacity, how many bytes would have to leave, field, value, …. Returns the id, or nil where the
    /// queue is full, and its size.
    static let enqueue = RedisScript(
        "enqueue",
        """
        #!lua
        local size = redis.call('XLEN', KEYS[1]) - redis.call('ZCARD', KEYS[2])
        if size >= tonumber(ARGV[1]) or size > 0 and tonumber(ARGV[2]) > 0 then return {false, size} end
        return {redis.call('XADD', KEYS[1], '*', unpack(ARGV, 3)), size + 1}
        """
    )

    /// Adds a frame where the oldest that wait make room for it. Further ARGV: consumer, capacity, how many bytes have
    /// to leave, field, value, …. Returns the id, or nil where all are in hand, the size, the dropped frames, and the bytes that
    /// left with them.
    static let enqueueDropping = aboutFramesAndNew(
        "enqueue dropping",
        """
        local hasRoom, size, dropped, freed = makeRoom(tonumber(ARGV[4]), 1, tonumber(ARGV[5]), ARGV[3])
        if not hasRoom then return {false, size, dropped, freed} end
        return {redis.call('XADD', stream, '*', unpack(ARGV, 6)), size + 1, dropped, freed}
        """
    )

    /// Takes returned frames, oldest first, and before that those whose leases have run out. Further ARGV: consumer, most.
    /// Returns how many are left, then a list of id, deliveries and failures of each, and who died. What was trimmed
    /// meanwhile is counted.
    static let take = aboutFrames(
        "take",
        #"""
        sweep(100)
        local taken = {}
        for _, id in ipairs(redis.call('ZRANGE', ready, 0, ARGV[4] - 1)) do
            local record = record(id) or {deliveries = 0, failures = 0}
            local deliveries = record.deliveries + 1
            local claimed = redis.call(
                'XCLAIM', stream, group, ARGV[3], 0, id, 'FORCE', 'JUSTID', 'RETRYCOUNT', deliveries
            )
            redis.call('ZREM', ready, id)
            redis.call('HDEL', held, id)
            if claimed[1] then
                table.insert(taken, claimed[1])
                table.insert(taken, deliveries)
                table.insert(taken, record.failures)
            else
                trimmed()
            end
        end
        return {redis.call('ZCARD', ready), taken, died}
        """#
    )

    /// Settles frames that reached their callers. KEYS stream, kept, ready, counters. ARGV group, the queue's terms, process
    /// (empty: whoever holds them), padded id, …. Returns how many groups the stream has. A frame that was returned meanwhile
    /// waits in `ready`, and stays.
    static let settle = RedisScript(
        "settle",
        """
        #!lua flags=allow-oom
        local stream, kept, ready, counters = unpack(KEYS)
        local group, process = ARGV[1], ARGV[3]
        \(terms("ARGV[2]"))
        \(groupCheck)
        \(keepingOn)
        local groups = #redis.call('XINFO', 'GROUPS', stream)
        local isLast = groups == 1 and not keeps
        local ids = {}
        for i = 4, #ARGV do
            local mine = process == ''
            if not mine then
                local entry = redis.call('XPENDING', stream, group, ARGV[i], ARGV[i], 1)[1]
                mine = entry and string.sub(entry[2], 1, #process) == process
            end
            if mine then table.insert(ids, ARGV[i]) end
        end
        if #ids == 0 then return groups end
        local all = redis.call('XACK', stream, group, unpack(ids)) == #ids
        if isLast and all then
            redis.call('XDEL', stream, unpack(ids))
            return groups
        end
        for _, id in ipairs(ids) do
            if all or not redis.call('ZSCORE', ready, id) then
                if isLast then redis.call('XDEL', stream, id) else keepOn(id) end
            end
        end
        return groups
        """
    )

    /// Puts frames that reached nobody back where they were; this delivery doesn't count. Further ARGV: the process'
    /// consumers, most failures, then id, failures, this one included, and the lease's token (empty: none) of each. One whose lease is not
    /// the one given stays. Returns who died.
    static let giveBack = aboutFrames(
        "return",
        #"""
        for i = 5, #ARGV, 3 do
            local id, failures = ARGV[i], tonumber(ARGV[i + 1])
            local entry = pending(id)
            local isLeased = redis.call('ZSCORE', lease, id)
            local record = record(id) or {}
            -- Whoever used its receipt has it, whatever became of the connection that brought it.
            local isLost = not isLeased or (record.token == ARGV[i + 2] and not record.used)
            if isOurs(entry, ARGV[3]) and isLost then
                local deliveries = entry[4] - 1
                if failures >= tonumber(ARGV[4]) then
                    bury(id, 'undeliverable', deliveries)
                else
                    giveBack(id)
                    redis.call('HSET', held, id, deliveries .. ' ' .. failures)
                end
            end
        end
        return died
        """#
    )

    /// Returns one portion of what a consumer left behind, save for what is leased, and removes it once it holds nothing.
    /// Further ARGV: consumer, 1 if the delivery counts (its process died, and the frame may be why) or 0, where to begin, for
    /// how many ms what is returned has lain there (0: the consumer is no more), then ids that are still being handed over. Returns how many were returned, 1 if the
    /// consumer is gone, where to go on (empty at the end), and who died.
    static let reap = aboutFrames(
        "reap",
        #"""
        local consumer, counts, portion, idle = ARGV[3], tonumber(ARGV[4]), 1000, ARGV[6]
        -- Where as many leases are as frames are pending, none was lost: it takes long to look at them all.
        if idle ~= '0' and redis.call('XPENDING', stream, group)[1] <= redis.call('ZCARD', lease) then
            return {0, 0, '', died}
        end
        local spared = {}
        for i = 7, #ARGV do spared[ARGV[i]] = true end
        local returned = 0
        local entries = redis.call('XPENDING', stream, group, 'IDLE', idle, ARGV[5], '+', portion, consumer)
        for _, entry in ipairs(entries) do
            local id = padded(entry[1])
            if not spared[entry[1]] and not redis.call('ZSCORE', lease, id) then
                local deliveries = entry[4] - 1 + counts
                if counts == 1 and most > 0 and deliveries >= most then
                    bury(id, 'process_died', deliveries)
                else
                    giveBack(id)
                    redis.call('HSET', held, id, deliveries .. ' 0')
                end
                returned = returned + 1
            end
        end
        if #entries == portion then return {returned, 0, '(' .. entries[portion][1], died} end
        local isGone = idle == '0' and #redis.call('XPENDING', stream, group, '-', '+', 1, consumer) == 0
        if isGone then redis.call('XGROUP', 'DELCONSUMER', stream, group, consumer) end
        return {returned, isGone and 1 or 0, '', died}
        """#
    )

    /// Moves a frame that can't be served to the dead letters. Further ARGV: id, reason, deliveries. Returns who died: it,
    /// if it was there.
    static let bury = aboutFrames(
        "dead",
        """
        bury(ARGV[3], ARGV[4], tonumber(ARGV[5]), 'unservable')
        return died
        """
    )

    /// Settles frames that nobody wants any more, and counts them. Further ARGV: the process' consumers, then id, reason and
    /// camera of each. Returns 1 for each that was there and still the process' own, and 0 for the others.
    static let giveUp = aboutFrames(
        "give up",
        """
        local given = {}
        for i = 4, #ARGV, 3 do
            local id, isGone = ARGV[i], 0
            if isOurs(pending(id), ARGV[3]) and not redis.call('ZSCORE', lease, id) then
                forget(id)
                if drop(id) then
                    count(ARGV[i + 1], ARGV[i + 2])
                    isGone = 1
                else
                    trimmed()
                end
            end
            table.insert(given, isGone)
        end
        return given
        """
    )

    /// Makes the group, from the stream's beginning: what waits there was never handed out. KEYS stream, lease, held,
    /// ready, kept. ARGV group. Returns 1 if it was made; what was known of a former group is then forgotten.
    static let ensureGroup = RedisScript(
        "ensure group",
        """
        #!lua flags=allow-oom
        local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
        if made.err then
            if string.sub(made.err, 1, 9) == 'BUSYGROUP' then return 0 end
            return made
        end
        redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
        return 1
        """
    )

    /// Counts, in one step. KEYS stream, ready, kept, dead. ARGV group, 1 to measure too. Returns length, pending, kept,
    /// dead letters, groups; measured: bytes and, of the oldest waiting frame, id and timestamp.
    static let size = RedisScript(
        "size",
        """
        #!lua flags=no-writes
        \(padding)
        local length = redis.call('XLEN', KEYS[1])
        local groups = redis.call('EXISTS', KEYS[1]) == 1 and redis.call('XINFO', 'GROUPS', KEYS[1]) or {}
        local pending, last = 0, '0-0'
        for _, group in ipairs(groups) do
            local info = {}
            for i = 1, #group, 2 do info[group[i]] = group[i + 1] end
            if info['name'] == ARGV[1] then pending, last = info['pending'], info['last-delivered-id'] end
        end
        local kept = redis.call('ZCARD', KEYS[3])
        if kept > 0 and length > 0 then
            -- Those that somebody trimmed are the oldest.
            local first = padded(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][1])
            kept = kept - #redis.call('ZRANGE', KEYS[3], '-', '(' .. first, 'BYLEX')
        end
        local sizes = {length, pending, kept, redis.call('XLEN', KEYS[4]), #groups}
        if ARGV[2] == '1' and length > 0 then
            local oldest = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
            local frame = oldest and redis.call('XRANGE', KEYS[1], oldest, oldest)[1]
                or redis.call('XRANGE', KEYS[1], '(' .. last, '+', 'COUNT', 1)[1]
            table.insert(sizes, redis.call('MEMORY', 'USAGE', KEYS[1], 'SAMPLES', 0) or 0)
            if frame then
                table.insert(sizes, frame[1])
                local timestamp = ''
                for i = 1, #frame[2], 2 do
                    if frame[2][i] == 'timestamp' then timestamp = frame[2][i + 1] end
                end
                table.insert(sizes, timestamp)
            end
        end
        return sizes
        """
    )

    /// A sign of life that out of memory does not stop, or all would take each other for dead. KEYS procs. ARGV process.
    /// Returns what time it is, in ms.
    static let beat = RedisScript(
        "heartbeat",
        """
        #!lua flags=allow-oom
        redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
        local time = redis.call('TIME')
        return time[1] * 1000 + math.floor(time[2] / 1000)
        """
    )

    /// Clears away what is no more, or nobody wants any more. Further ARGV: where in `kept` to begin, how many of them to look
    /// at. Returns where to go on (empty: at the beginning), and how many entries were trimmed as others have settled them.
    static let tidy = aboutFrames(
        "tidy",
        #"""
        local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
        if not first then
            redis.call('DEL', kept)
            return {'', 0}
        end
        local last, others = nil, {}
        for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
            local about = {}
            for i = 1, #info, 2 do about[info[i]] = info[i + 1] end
            local delivered = about['last-delivered-id']
            if about['name'] == group then last = delivered else table.insert(others, {about['name'], padded(delivered)}) end
        end
        -- The group was set back, or made anew: those come again.
        for _, key in ipairs({ready, kept}) do removeRange(key, '(' .. padded(last), '+') end
        removeRange(kept, '-', '(' .. padded(first[1]))

        local function isWanted(id)
            if keeps then return true end
            for _, other in ipairs(others) do
                if id > other[2] or #redis.call('XPENDING', stream, other[1], id, id, 1) > 0 then return true end
            end
            return false
        end
        local portion = tonumber(ARGV[4])
        local found = redis.call('ZRANGE', kept, ARGV[3], '+', 'BYLEX', 'LIMIT', 0, portion)
        for _, id in ipairs(found) do
            if not isWanted(id) then
                redis.call('XDEL', stream, id)
                redis.call('ZREM', kept, id)
            end
        end
        local next = #found == portion and '(' .. found[portion] or ''

        -- What others have settled in our group is neither in hand nor waits, and was left in the stream.
        if keeps or #others > 0 then return {next, 0} end
        local ms, seq = string.match(last, '^(%d+)-(%d+)$')
        local bound = ms .. '-' .. string.format('%.0f', seq + 1)
        local smallest = redis.call('XPENDING', stream, group)[2]
        if smallest and padded(smallest) < padded(bound) then bound = smallest end
        local returned = redis.call('ZRANGE', ready, 0, 0)[1]
        if returned and returned < padded(bound) then bound = returned end
        if padded(bound) <= padded(first[1]) then return {next, 0} end
        return {next, redis.call('XTRIM', stream, 'MINID', bound)}
        """#
    )

    /// Takes what others trimmed or deleted out of one portion of the pending list, and counts it. Further ARGV: a consumer,
    /// where to begin. Returns where to go on, and how many there were. Redis looks at ten times as many as it is asked for:
    /// these are about 1 ms.
    static let clearGhosts = aboutFrames(
        "clear ghosts",
        """
        -- Nothing is idle for that long: owner, idle time and count of all others stay as they are.
        local found = redis.call(
            'XAUTOCLAIM', stream, group, ARGV[3], '9223372036854775', ARGV[4], 'COUNT', 100, 'JUSTID'
        )
        for _, id in ipairs(found[3]) do
            forget(padded(id))
            trimmed()
        end
        return {found[1], #found[3]}
        """
    )

    /// Adds frames, all or none. KEYS stream, kept, then the marks of their keys, if any: one for all frames, or one for
    /// each. ARGV capacity, how many bytes would have to leave for all of them, how many frames a mark is for, its lifetime in
    /// ms, then of each frame: its traceparent or `-`, the number of its words, and these, `frame_id` first.
    /// Returns the size, the dropped frames, the bytes that left with them, and nothing more where not all of them fit; then
    /// of each mark's frames (or of all) their ids, or, as a text, what the mark says: a line
    /// `<id> <traceparent> <frame_id>` for each frame that was written under it.
    static let enqueueAll = RedisScript(
        "enqueue all",
        """
        #!lua
        local stream, kept, marks, first = KEYS[1], KEYS[2], 2, 1
        \(weighing)
        local function makeRoom(capacity, wanted, excess)
            local size = redis.call('XLEN', stream) - redis.call('ZCARD', kept)
            return size + wanted <= capacity and (size == 0 or excess <= 0), size, {}, 0
        end
        \(adding)
        """
    )

    /// The same where the oldest frames that wait make room for them. Further KEYS: the marks; further ARGV: a consumer, then
    /// those of ``enqueueAll``.
    static let enqueueAllDropping = aboutFramesAndNew(
        "enqueue all dropping",
        """
        local marks, first = 8, 4
        \(adding)
        """
    )

    private static let adding = """
        local capacity, excess = tonumber(ARGV[first]), tonumber(ARGV[first + 1])
        local share, lifetime = tonumber(ARGV[first + 2]), ARGV[first + 3]
        local frames, at = {}, first + 4
        while at < #ARGV do
            local last = at + 1 + ARGV[at + 1]
            table.insert(frames, {context = ARGV[at], first = at + 2, last = last})
            at = last + 1
        end
        local groups = #frames / share
        local marked, added = {}, 0
        for group = 1, groups do
            local mark = KEYS[marks + group]
            local isKnown = mark and marked[mark] ~= nil
            if mark and not isKnown then
                marked[mark] = redis.call('GET', mark)
                isKnown = marked[mark]
            end
            if not isKnown then
                added = added + share
            elseif excess > 0 then
                for i = (group - 1) * share + 1, group * share do
                    excess = excess - weight(ARGV, frames[i].first, frames[i].last)
                end
            end
        end
        local hasRoom, size, dropped, freed = makeRoom(capacity, added, added > 0 and excess or 0, ARGV[first - 1])
        if added > 0 and not hasRoom then return {size, dropped, freed} end
        local answer = {size + added, dropped, freed}
        for group = 1, groups do
            local mark = KEYS[marks + group]
            if mark and marked[mark] then
                table.insert(answer, marked[mark])
            else
                local ids, lines = {}, {}
                for i = (group - 1) * share + 1, group * share do
                    local frame = frames[i]
                    local id = redis.call('XADD', stream, '*', unpack(ARGV, frame.first, frame.last))
                    table.insert(ids, id)
                    if mark then table.insert(lines, id .. ' ' .. frame.context .. ' ' .. ARGV[frame.first + 1]) end
                end
                if mark then
                    marked[mark] = table.concat(lines, '\\n')
                    redis.call('SET', mark, marked[mark], 'PX', lifetime)
                end
                table.insert(answer, ids)
            end
        end
        return answer
        """
}
