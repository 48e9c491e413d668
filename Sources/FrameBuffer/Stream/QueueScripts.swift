internal import RedisClient

/// What must happen in Redis in one step.
///
/// Those that need the group begin with `XPENDING`, which fails without it before anything is written. What settles or
/// returns frames runs out of memory too (`allow-oom`), as it is what frees some.
enum QueueScripts {
    /// All of them, to be loaded at each connect.
    static let all = [
        enqueue, enqueueAll, take, settle, giveBack, reap, bury, ensureGroup, size, beat, release, delete, purge,
    ]

    /// KEYS stream, kept. ARGV capacity, field, value, …. Returns the id, or nil where the queue is full, and its size.
    static let enqueue = RedisScript(
        "enqueue",
        """
        #!lua
        local size = redis.call('XLEN', KEYS[1]) - redis.call('ZCARD', KEYS[2])
        if size >= tonumber(ARGV[1]) then return {false, size} end
        return {redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2)), size + 1}
        """
    )

    /// Takes returned frames, oldest first. KEYS stream, ready, held, counters. ARGV group, consumer, most.
    /// Returns how many are left, then id, deliveries and failures of each. What was trimmed meanwhile is counted.
    static let take = RedisScript(
        "take",
        """
        #!lua flags=allow-oom
        redis.call('XPENDING', KEYS[1], ARGV[1])
        local taken = {0}
        for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, ARGV[3] - 1)) do
            local held = redis.call('HGET', KEYS[3], id) or '0 0'
            local deliveries, failures = string.match(held, '^(%d+) (%d+)')
            local claimed = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, id, 'FORCE', 'JUSTID', 'RETRYCOUNT', deliveries + 1)
            redis.call('ZREM', KEYS[2], id)
            redis.call('HDEL', KEYS[3], id)
            if claimed[1] then
                table.insert(taken, claimed[1])
                table.insert(taken, deliveries + 1)
                table.insert(taken, tonumber(failures))
            else
                redis.call('HINCRBY', KEYS[4], 'trimmed', 1)
            end
        end
        taken[1] = redis.call('ZCARD', KEYS[2])
        return taken
        """
    )

    /// Settles frames that reached their callers. KEYS stream, kept, ready. ARGV group, process (empty: whoever holds
    /// them), padded id, …. Returns how many groups the stream has. A frame that was returned meanwhile waits
    /// in `ready`, and stays.
    static let settle = RedisScript(
        "settle",
        """
        #!lua flags=allow-oom
        redis.call('XPENDING', KEYS[1], ARGV[1])
        local groups = #redis.call('XINFO', 'GROUPS', KEYS[1])
        local ids = {}
        for i = 3, #ARGV do
            local mine = ARGV[2] == ''
            if not mine then
                local entry = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)[1]
                mine = entry and string.sub(entry[2], 1, #ARGV[2]) == ARGV[2]
            end
            if mine then table.insert(ids, ARGV[i]) end
        end
        if #ids == 0 then return groups end
        local all = redis.call('XACK', KEYS[1], ARGV[1], unpack(ids)) == #ids
        if groups == 1 and all then
            redis.call('XDEL', KEYS[1], unpack(ids))
            return groups
        end
        local time = redis.call('TIME')
        for _, id in ipairs(ids) do
            if all or not redis.call('ZSCORE', KEYS[3], id) then
                if groups == 1 then
                    redis.call('XDEL', KEYS[1], id)
                else
                    redis.call('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000), id)
                end
            end
        end
        return groups
        """
    )

    /// Puts frames that reached nobody back where they were; this delivery doesn't count. KEYS stream, ready, held, dead.
    /// ARGV group, process, most failures, then padded id and failures so far of each. Returns how many became dead.
    static let giveBack = RedisScript(
        "return",
        """
        #!lua flags=allow-oom
        redis.call('XPENDING', KEYS[1], ARGV[1])
        local died = 0
        for i = 4, #ARGV, 2 do
            local id, failures = ARGV[i], ARGV[i + 1] + 1
            local entry = redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1)[1]
            if entry and string.sub(entry[2], 1, #ARGV[2]) == ARGV[2] then
                local deliveries = entry[4] - 1
                if failures >= tonumber(ARGV[3]) then
                    local frame = redis.call('XRANGE', KEYS[1], id, id)[1]
                    if frame then
                        local fields = frame[2]
                        for _, text in ipairs({'_dead_reason', 'undeliverable', '_dead_deliveries', deliveries, '_dead_message_id', entry[1]}) do
                            table.insert(fields, text)
                        end
                        redis.call('XADD', KEYS[4], '*', unpack(fields))
                        died = died + 1
                    end
                    redis.call('XACK', KEYS[1], ARGV[1], id)
                    redis.call('XDEL', KEYS[1], id)
                else
                    redis.call('XACK', KEYS[1], ARGV[1], id)
                    redis.call('ZADD', KEYS[2], 0, id)
                    redis.call('HSET', KEYS[3], id, deliveries .. ' ' .. failures)
                end
            end
        end
        return died
        """
    )

    /// Returns what a consumer that is no more left behind, and removes it once it holds nothing. KEYS stream, ready, held,
    /// lease. ARGV group, consumer, 1 if the delivery counts (its process died, and the frame may be why) or 0, then ids
    /// that are still being handed over. Returns how many were returned, and 1 if the consumer is gone.
    static let reap = RedisScript(
        "reap",
        """
        #!lua flags=allow-oom
        redis.call('XPENDING', KEYS[1], ARGV[1])
        local spared = {}
        for i = 4, #ARGV do spared[ARGV[i]] = true end
        local function padded(id)
            local ms, seq = string.match(id, '^(%d+)-(%d+)$')
            return string.rep('0', 20 - #ms) .. ms .. '-' .. string.rep('0', 20 - #seq) .. seq
        end
        local returned, left, from = 0, 0, '-'
        repeat
            local entries = redis.call('XPENDING', KEYS[1], ARGV[1], from, '+', 100, ARGV[2])
            for _, entry in ipairs(entries) do
                local id = entry[1]
                if spared[id] or redis.call('ZSCORE', KEYS[4], id) then
                    left = left + 1
                else
                    local deliveries = entry[4] - 1 + ARGV[3]
                    redis.call('XACK', KEYS[1], ARGV[1], id)
                    redis.call('ZADD', KEYS[2], 0, padded(id))
                    redis.call('HSET', KEYS[3], padded(id), deliveries .. ' 0')
                    returned = returned + 1
                end
                from = '(' .. id
            end
        until #entries < 100 or returned >= 1000
        if left > 0 or returned >= 1000 then return {returned, 0} end
        redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
        return {returned, 1}
        """
    )

    /// Moves a frame that can't be served to the dead letters. KEYS stream, dead. ARGV group, id, reason, deliveries.
    /// An entry of more fields than one call can pass on leaves its payload behind. Returns 1 if it was there.
    static let bury = RedisScript(
        "dead",
        """
        #!lua flags=allow-oom
        redis.call('XPENDING', KEYS[1], ARGV[1])
        local frame = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
        if frame then
            local fields = #frame[2] < 7000 and frame[2] or {}
            for _, text in ipairs({'_dead_reason', ARGV[3], '_dead_deliveries', ARGV[4], '_dead_message_id', ARGV[2]}) do
                table.insert(fields, text)
            end
            redis.call('XADD', KEYS[2], '*', unpack(fields))
        end
        redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
        redis.call('XDEL', KEYS[1], ARGV[2])
        return frame and 1 or 0
        """
    )

    /// Makes the group, from the stream's beginning: what waits there was never handed out. KEYS stream, lease, held,
    /// ready. ARGV group. Returns 1 if it was made; what was known of a former group is then forgotten.
    static let ensureGroup = RedisScript(
        "ensure group",
        """
        #!lua flags=allow-oom
        local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
        if made.err then
            if string.sub(made.err, 1, 9) == 'BUSYGROUP' then return 0 end
            return made
        end
        redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
        return 1
        """
    )

    /// Counts, in one step. KEYS stream, ready, kept, dead. ARGV group, 1 to measure too. Returns length, pending, kept,
    /// dead letters, groups; measured: bytes and, of the oldest waiting frame, id and timestamp.
    static let size = RedisScript(
        "size",
        """
        #!lua flags=no-writes
        local length = redis.call('XLEN', KEYS[1])
        local groups = redis.call('EXISTS', KEYS[1]) == 1 and redis.call('XINFO', 'GROUPS', KEYS[1]) or {}
        local pending, last = 0, '0-0'
        for _, group in ipairs(groups) do
            local info = {}
            for i = 1, #group, 2 do info[group[i]] = group[i + 1] end
            if info['name'] == ARGV[1] then pending, last = info['pending'], info['last-delivered-id'] end
        end
        local sizes = {length, pending, redis.call('ZCARD', KEYS[3]), redis.call('XLEN', KEYS[4]), #groups}
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
    static let beat = RedisScript(
        "heartbeat",
        """
        #!lua flags=allow-oom
        return redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
        """
    )

    /// Deletes settled frames that no other group wants any more, and forgets those that are gone. KEYS stream, kept.
    /// ARGV group, the first to look at, the most. Returns how many of those looked at are still kept.
    static let release = RedisScript(
        "release",
        """
        #!lua flags=allow-oom
        redis.call('XPENDING', KEYS[1], ARGV[1])
        local function padded(id)
            local ms, seq = string.match(id, '^(%d+)-(%d+)$')
            return string.rep('0', 20 - #ms) .. ms .. '-' .. string.rep('0', 20 - #seq) .. seq
        end
        local others = {}
        for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
            local info = {}
            for i = 1, #group, 2 do info[group[i]] = group[i + 1] end
            if info['name'] ~= ARGV[1] then
                table.insert(others, {name = info['name'], last = padded(info['last-delivered-id'])})
            end
        end
        local function isWanted(id)
            for _, group in ipairs(others) do
                if id > group.last or #redis.call('XPENDING', KEYS[1], group.name, id, id, 1) > 0 then return true end
            end
            return false
        end
        local kept = 0
        for _, id in ipairs(redis.call('ZRANGE', KEYS[2], ARGV[2], ARGV[2] + ARGV[3] - 1)) do
            if isWanted(id) and #redis.call('XRANGE', KEYS[1], id, id) > 0 then
                kept = kept + 1
            else
                redis.call('XDEL', KEYS[1], id)
                redis.call('ZREM', KEYS[2], id)
            end
        end
        return kept
        """
    )

    /// Deletes a frame that is not settled. KEYS stream, lease, held, ready, kept. ARGV group, id, padded id. Returns 1 if it
    /// was there.
    static let delete = RedisScript(
        "delete",
        """
        #!lua flags=allow-oom
        redis.call('XPENDING', KEYS[1], ARGV[1])
        if redis.call('ZSCORE', KEYS[5], ARGV[3]) then return 0 end
        redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
        redis.call('ZREM', KEYS[2], ARGV[2])
        redis.call('HDEL', KEYS[3], ARGV[3])
        redis.call('ZREM', KEYS[4], ARGV[3])
        return redis.call('XDEL', KEYS[1], ARGV[2])
        """
    )

    /// Deletes the last of the frames below a bound, and forgets all that was known of those that are gone. KEYS stream,
    /// lease, held, ready, kept. ARGV group, bound, the padded id before it, a consumer. Returns how many were not settled,
    /// less those of the settled ones that were deleted before.
    static let purge = RedisScript(
        "purge",
        """
        #!lua flags=allow-oom
        redis.call('XPENDING', KEYS[1], ARGV[1])
        local deleted = redis.call('XTRIM', KEYS[1], 'MINID', ARGV[2])
        local cursor = '0-0'
        repeat
            local found = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[4], '9223372036854775', cursor, 'COUNT', 1000, 'JUSTID')
            cursor = found[1]
            for _, id in ipairs(found[3]) do
                redis.call('ZREM', KEYS[2], id)
                local ms, seq = string.match(id, '^(%d+)-(%d+)$')
                redis.call('HDEL', KEYS[3], string.rep('0', 20 - #ms) .. ms .. '-' .. string.rep('0', 20 - #seq) .. seq)
            end
        until cursor == '0-0'
        for _, id in ipairs(redis.call('ZRANGE', KEYS[4], '-', '[' .. ARGV[3], 'BYLEX')) do redis.call('HDEL', KEYS[3], id) end
        redis.call('ZREMRANGEBYLEX', KEYS[4], '-', '[' .. ARGV[3])
        for _, id in ipairs(redis.call('ZRANGE', KEYS[5], 0, -1)) do
            if id <= ARGV[3] then
                redis.call('ZREM', KEYS[5], id)
                deleted = deleted - 1
            end
        end
        return deleted
        """
    )

    /// Adds frames, all or none. KEYS stream, kept, then the marks of their keys, if any: one for all frames, or one for
    /// each. ARGV capacity, how many frames a mark is for, its lifetime in ms, then of each frame: its traceparent or `-`,
    /// the number of its words, and these, `frame_id` first.
    /// Returns the size, and nothing more where not all of them fit; then of each mark's frames (or of all) their ids, or,
    /// as a text, what the mark says: a line `<id> <traceparent> <frame_id>` for each frame that was written under it.
    static let enqueueAll = RedisScript(
        "enqueue all",
        """
        #!lua
        local size = redis.call('XLEN', KEYS[1]) - redis.call('ZCARD', KEYS[2])
        local share = tonumber(ARGV[2])
        local frames, at = {}, 4
        while at < #ARGV do
            local last = at + 1 + ARGV[at + 1]
            table.insert(frames, {context = ARGV[at], first = at + 2, last = last})
            at = last + 1
        end
        local groups = #frames / share
        local marked, added = {}, 0
        for group = 1, groups do
            local mark = KEYS[2 + group]
            if not mark or marked[mark] == nil then
                local text = mark and redis.call('GET', mark)
                if mark then marked[mark] = text end
                if not text then added = added + share end
            end
        end
        if added > 0 and size + added > tonumber(ARGV[1]) then return {size} end
        local answer = {size + added}
        for group = 1, groups do
            local mark = KEYS[2 + group]
            if mark and marked[mark] then
                table.insert(answer, marked[mark])
            else
                local ids, lines = {}, {}
                for i = (group - 1) * share + 1, group * share do
                    local frame = frames[i]
                    local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, frame.first, frame.last))
                    table.insert(ids, id)
                    if mark then table.insert(lines, id .. ' ' .. frame.context .. ' ' .. ARGV[frame.first + 1]) end
                end
                if mark then
                    marked[mark] = table.concat(lines, '\\n')
                    redis.call('SET', mark, marked[mark], 'PX', ARGV[3])
                end
                table.insert(answer, ids)
            end
        end
        return answer
        """
    )
}
