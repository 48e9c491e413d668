internal import RedisClient

extension QueueScripts {
    /// A script about frames that were handed out, or will be. Its keys are ``QueueKeys/all``; its first two arguments are
    /// the group and the queue's terms (`QueueConfiguration.terms`).
    ///
    /// It begins by asking for the pending list, which fails without the group before anything is written, and it runs out
    /// of memory too, as all of this frees some. To make all `functions` takes 2 µs: what is called very often is given only
    /// those that it uses.
    static func aboutFrames(_ name: String, with functions: String = prelude, _ body: String) -> RedisScript {
        RedisScript(name, "#!lua flags=allow-oom\n\(opening)\n\(functions)\n\(body)")
    }

    /// The same for a script that adds frames, which Redis refuses whole where it is out of memory.
    static func aboutFramesAndNew(_ name: String, _ body: String) -> RedisScript {
        RedisScript(name, "#!lua\n\(opening)\n\(prelude)\n\(body)")
    }

    /// What those scripts begin with.
    private static let opening = #"""
        local stream, ready, held, lease, kept, dead, settled, counters = unpack(KEYS)
        local group = ARGV[1]
        \#(terms("ARGV[2]"))
        \#(groupCheck)

        local function now()
            local time = redis.call('TIME')
            return time[1] * 1000 + math.floor(time[2] / 1000)
        end
        """#

    /// What those scripts have in common. Ids are padded wherever they are ours (`StreamID.padded`).
    ///
    /// `held` has of each frame that is leased or waits in `ready` a line of numbers: how often it was delivered, and how
    /// often in a row it has failed to reach a caller; of a leased one also the receipt's token, when it was handed out, and
    /// 1 if it was nacked since, or 2 if the receipt was used in another way. Lines with the caller's label, the reason given
    /// and the frame's `_traceparent` follow, and the `frame_id`, which may be anything, is the rest.
    private static let prelude = #"""
        \#(padding)

        \#(pending)

        -- Removes a range of ids from a sorted set of them; returns how many there were.
        local function removeRange(key, from, to)
            local removed = 0
            for _, id in ipairs(redis.call('ZRANGE', key, from, to, 'BYLEX')) do
                removed = removed + redis.call('ZREM', key, id)
            end
            return removed
        end

        local function trimmed()
            redis.call('HINCRBY', counters, 'trimmed', 1)
        end

        -- Counts a frame that is given up on, by reason and by camera.
        local function count(reason, camera)
            redis.call('HINCRBY', counters, reason, 1)
            camera = reason .. ' ' .. camera
            -- Who makes up cameras must not fill the memory with them.
            if redis.call('HGET', counters, camera) or redis.call('HLEN', counters) < 1000 then
                redis.call('HINCRBY', counters, camera, 1)
            end
        end

        local function record(id)
            local text = redis.call('HGET', held, id)
            if not text then return end
            local deliveries, failures = string.match(text, '^(%d+) (%d+)')
            local token, time, use, label, reason, traceparent, frame =
                string.match(text, '^%d+ %d+ (%x+) (%d+) (%d)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n(.*)$')
            return {
                text = text, deliveries = tonumber(deliveries), failures = tonumber(failures), token = token, time = time,
                nacked = use == '1', used = use == '1' or use == '2', label = label, reason = reason,
                traceparent = traceparent, frame = frame
            }
        end

        local function keep(id, record)
            local use = record.nacked and 1 or record.used and 2 or 0
            local numbers = table.concat(
                {record.deliveries, record.failures, record.token, record.time, use}, ' '
            )
            redis.call('HSET', held, id, table.concat(
                {numbers, record.label, record.reason, record.traceparent, record.frame}, '\n'
            ))
        end

        -- Back to its place among those that wait. What is known of it stays in `held`.
        local function giveBack(id)
            redis.call('XACK', stream, group, id)
            redis.call('ZREM', lease, id)
            redis.call('ZADD', ready, 0, id)
        end

        -- Out of our hands, wherever it was; 0 if it was nowhere.
        local function forget(id)
            redis.call('ZREM', lease, id)
            redis.call('HDEL', held, id)
            return redis.call('XACK', stream, group, id) + redis.call('ZREM', ready, id)
        end

        \#(dropping)

        \#(epitaph)

        -- Dead letters of this call: their epitaphs; behind them the reason, deliveries, and which kind of reason it is.
        local died = {}
        local function bury(id, reason, deliveries, cause)
            local entry = redis.call('XRANGE', stream, id, id)[1]
            local isGone = forget(id) == 0
            if not entry then
                -- Where nothing was known of it, it was deleted here, or is counted already.
                if not isGone then trimmed() end
                return
            end
            local last = epitaph(entry)
            table.insert(last, reason)
            table.insert(last, deliveries)
            table.insert(last, cause or reason)
            table.insert(died, last)
            -- More words than one call can pass on: the frame leaves its fields behind.
            local words = #entry[2] < 7000 and entry[2] or {}
            for _, word in ipairs({
                '_dead_reason', reason, '_dead_deliveries', deliveries, '_dead_message_id', entry[1]
            }) do table.insert(words, word) end
            redis.call('XADD', dead, '*', unpack(words))
            drop(id)
        end

        \#(weighing)

        -- Makes room by giving up frames that wait, oldest first, until so many more fit and so many bytes have left, unless
        -- all of them would not be enough; for their bytes none are refused as long as any wait. Returns whether there is
        -- room, how many there are then, the epitaphs of those that were dropped, and the bytes that left with them.
        local function makeRoom(capacity, wanted, excess, consumer)
            local size, dropped, freed = redis.call('XLEN', stream) - redis.call('ZCARD', kept), {}, 0
            local isAlone = size == 0
            if redis.call('XPENDING', stream, group)[1] + wanted > capacity then return false, size, dropped, freed end
            while size + wanted > capacity or freed < excess do
                local id, entry = redis.call('ZRANGE', ready, 0, 0)[1], nil
                if id then
                    entry = redis.call('XRANGE', stream, id, id)[1]
                else
                    local read = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', 1, 'STREAMS', stream, '>')
                    if not read then break end
                    entry = read[1][2][1]
                    id = padded(entry[1])
                end
                forget(id)
                if entry then
                    drop(id)
                    size = size - 1
                    if excess > 0 then freed = freed + weight(entry[2], 1, #entry[2]) end
                    local last = epitaph(entry)
                    table.insert(dropped, last)
                    count('dropped', last[3])
                else
                    trimmed()
                end
            end
            return size + wanted <= capacity and (isAlone or freed > 0 or excess <= 0), size, dropped, freed
        end

        -- A client of its own, which knows no leases, has claimed a leased frame: it has it for as long as the lease was given,
        -- from then on.
        local function isTakenOver(id, entry)
            local record = record(id)
            if string.sub(entry[2], 1, 3) == 'fb-' or not record or not record.token then return false end
            local since = now() - entry[3] - record.time
            -- What is claimed is handed out later by more than a rounding.
            if since < 10 then return false end
            redis.call('ZADD', lease, redis.call('ZSCORE', lease, id) + since, id)
            record.time = record.time + since
            keep(id, record)
            return true
        end

        -- Puts frames whose leases have run out back, oldest end first; returns how many were due.
        local function sweep(portion)
            local due = redis.call('ZRANGEBYSCORE', lease, '-inf', now(), 'LIMIT', 0, portion)
            for _, id in ipairs(due) do
                local entry = pending(id)
                if not entry then
                    -- Unread: the group was made anew. Read: a client of its own has acknowledged it.
                    redis.call('ZREM', lease, id)
                    redis.call('HDEL', held, id)
                    for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
                        local names = {}
                        for i = 1, #info, 2 do names[info[i]] = info[i + 1] end
                        if names['name'] == group and id <= padded(names['last-delivered-id']) then drop(id) end
                    end
                elseif isTakenOver(id, entry) then
                    -- By a client of its own.
                elseif not redis.call('XCLAIM', stream, group, entry[2], 0, id, 'JUSTID')[1] then
                    forget(id)
                    trimmed()
                elseif most > 0 and entry[4] >= most then
                    bury(id, 'lease_expired', entry[4])
                else
                    giveBack(id)
                    if not redis.call('HGET', held, id) then redis.call('HSET', held, id, entry[4] .. ' 0') end
                end
            end
            return #due
        end
        """#

    /// Looks frames up in the pending list.
    static let pending = """
        -- A frame's place in the pending list: its id, consumer, idle time and deliveries.
        local function pending(id)
            return redis.call('XPENDING', stream, group, id, id, 1)[1]
        end

        local function isOurs(entry, process)
            return entry and string.sub(entry[2], 1, #process) == process
        end
        """

    /// What the last span of an entry's frame says of it: message id, frame id, camera id and trace context.
    static let epitaph = """
        local function epitaph(entry)
            local about = {}
            for i = 1, #entry[2], 2 do about[entry[2][i]] = entry[2][i + 1] end
            return {
                entry[1], about['frame_id'] or '', about['camera_id'] or '',
                about['_traceparent'] or '', about['_tracestate'] or ''
            }
        end
        """

    /// How many bytes an entry of these words takes, as `StreamEntry.memory` has it.
    static let weighing = """
        local function weight(words, first, last)
            local size = (last - first + 1) * \(RESPEncoder.bulkSize(0))
            for i = first, last do size = size + #words[i] end
            if size <= 4096 then return size end
            local _, bits = math.frexp(size)
            local step = 2 ^ (bits - 3)
            return math.ceil(size / step) * step
        end
        """

    /// Fails without the group. It asks for no entry: the summary took as long as all else that such scripts begin with.
    static let groupCheck = "redis.call('XPENDING', stream, group, '-', '+', 0)"

    /// Reads the queue's terms: the most deliveries of a frame that may fail (0: any number), the most settled frames that
    /// stay in the stream, and whether all do, for readers of their own.
    static func terms(_ argument: String) -> String {
        #"""
        local most, mostKept, keeps = string.match(\#(argument), '^(%d+) (%d+) (%d)$')
        most, mostKept, keeps = tonumber(most), tonumber(mostKept), keeps == '1'
        """#
    }

    /// An id as ours are, whose order is that of the stream (`StreamID.padded`).
    static let padding = """
        local function padded(id)
            local ms, seq = string.match(id, '^(%d+)-(%d+)$')
            return string.rep('0', 20 - #ms) .. ms .. '-' .. string.rep('0', 20 - #seq) .. seq
        end
        """

    /// A settled frame stays in the stream, for other groups or for readers. Once there are too many, the oldest are trimmed.
    static let keepingOn = """
        local function keepOn(id)
            redis.call('ZADD', kept, 0, id)
            local over = redis.call('ZCARD', kept) - mostKept
            if over <= 0 then return end
            for _, oldest in ipairs(redis.call('ZRANGE', kept, 0, over - 1)) do
                redis.call('ZREM', kept, oldest)
                redis.call('XDEL', stream, oldest)
                redis.call('HINCRBY', counters, 'trimmed', 1)
            end
        end
        """

    /// Takes settled frames out of the stream.
    static let dropping = """
        \(keepingOn)

        -- Out of the stream, as soon as neither another group nor a reader wants it; false if it was trimmed.
        local groups
        local function drop(id)
            groups = groups or #redis.call('XINFO', 'GROUPS', stream)
            if groups == 1 and not keeps then return redis.call('XDEL', stream, id) == 1 end
            if #redis.call('XRANGE', stream, id, id) == 0 then return false end
            keepOn(id)
            return true
        end
        """
}
