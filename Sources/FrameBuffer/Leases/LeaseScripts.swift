internal import RedisClient

/// What leases do in Redis, each in one step. Keys and first arguments are those of ``QueueScripts/aboutFrames(_:with:_:)``.
enum LeaseScripts {
    static let all = [lease, sweep, ack, nack, extend, reject]

    /// Leases frames that a process has in hand. Further ARGV: the process' consumers, then id, the same padded, duration in
    /// ms, token, label, `_traceparent` and `frame_id` of each. Returns 1 for each that is leased, and 0 for one that was
    /// taken away meanwhile.
    static let lease = QueueScripts.aboutFrames(
        "lease",
        with: QueueScripts.pending,
        #"""
        -- What was read together lies together in the pending list. The few that are elsewhere are looked up one by one.
        local found = {}
        for _, entry in ipairs(redis.call('XPENDING', stream, group, ARGV[4], ARGV[#ARGV - 6], (#ARGV - 3) / 7)) do
            found[entry[1]] = entry
        end
        local time = now()
        local unused = ' ' .. time .. ' 0\n'
        local ends, given = {}, {}
        for i = 4, #ARGV, 7 do
            local id, duration = ARGV[i + 1], ARGV[i + 2]
            local entry = found[ARGV[i]] or pending(id)
            -- To write a number as text takes as long as a command.
            ends[duration] = ends[duration] or tostring(time + duration)
            local isGiven = isOurs(entry, ARGV[3]) and redis.call('ZADD', lease, 'NX', ends[duration], id) == 1
            if isGiven then
                -- As `keep` does.
                redis.call(
                    'HSET', held, id,
                    entry[4] .. ' 0 ' .. ARGV[i + 3] .. unused
                        .. ARGV[i + 4] .. '\n\n' .. ARGV[i + 5] .. '\n' .. ARGV[i + 6]
                )
            end
            table.insert(given, isGiven and 1 or 0)
        end
        return given
        """#
    )

    /// Returns one portion of the frames whose leases have run out. Further ARGV: the portion. Returns how many were due,
    /// and who died of it.
    static let sweep = QueueScripts.aboutFrames("sweep", "return {sweep(tonumber(ARGV[3])), died}")

    /// The frames are done with. Most receipts are brought for this: what needs no answer for each is done of all at once, and
    /// ``Settlement/mostReceipts`` are not more than one command takes from Lua.
    static let ack = QueueScripts.aboutFrames(
        "ack",
        with: QueueScripts.dropping,
        #"""
        \#(settling)
        -- What is known of the frames that these are the receipts of. Two requests may have brought the same.
        local records, receipts, ids = {}, {}, {}
        for i = 7, #ARGV do
            local receipt = ARGV[i]
            local id, token = parts(receipt)
            local text = redis.call('HGET', held, id)
            if text and string.match(text, '^%d+ %d+ (%x+)') == token and not records[receipt] then
                records[receipt] = text
                table.insert(receipts, receipt)
                table.insert(ids, id)
            end
        end
        if #ids > 0 then
            redis.call('ZREM', lease, unpack(ids))
            redis.call('HDEL', held, unpack(ids))
            local done, at = {}, tostring(time)
            for n, id in ipairs(ids) do
                local isThere = redis.call('XACK', stream, group, id) + redis.call('ZREM', ready, id) > 0
                if isThere and drop(id) then
                    table.insert(done, at)
                    table.insert(done, receipts[n])
                else
                    records[receipts[n]] = nil
                    if isThere then redis.call('HINCRBY', counters, 'trimmed', 1) end
                end
            end
            if #done > 0 then redis.call('ZADD', settled, unpack(done)) end
        end
        local outcomes = {}
        for i = 7, #ARGV do
            local receipt = ARGV[i]
            table.insert(outcomes, records[receipt] or redis.call('ZSCORE', settled, receipt) and neither or stale)
            records[receipt] = nil
        end
        return {outcomes, {}}
        """#
    )

    /// The frames are to be handed out again, once a delay is over; or they are dead, if this was their last delivery.
    static let nack = settlement(
        "nack",
        #"""
        local function settle(id, record, receipt)
            if record.nacked then return neither end
            if not regain(id, record.deliveries) then return stale end
            if most > 0 and record.deliveries >= most then return die(id, record, receipt, 'nacked') end
            if duration > 0 then redis.call('ZADD', lease, time + duration, id) else giveBack(id) end
            record.nacked, record.reason = true, reason
            keep(id, record)
            return record.text
        end
        """#
    )

    /// The leases last a while longer, from now on.
    static let extend = settlement(
        "extend",
        #"""
        local function settle(id, record, receipt)
            if not regain(id, record.deliveries) then return stale end
            redis.call('ZADD', lease, time + duration, id)
            record.nacked, record.used, record.reason = false, true, ''
            keep(id, record)
            return record.text
        end
        """#
    )

    /// The frames go to the dead letters.
    static let reject = settlement(
        "reject",
        #"""
        local function settle(id, record, receipt)
            if not regain(id, record.deliveries) then return stale end
            return die(id, record, receipt, 'rejected')
        end
        """#
    )

    /// A script that does with each receipt's frame what the function `settle` says, if the receipt is the frame's.
    private static func settlement(_ name: String, _ settle: String) -> RedisScript {
        QueueScripts.aboutFrames(
            name,
            #"""
            \#(settling)
            -- Takes a frame into our hands, from those of a consumer or from among those that wait; false if it is gone.
            local function regain(id, deliveries)
                if not pending(id) and not redis.call('ZSCORE', ready, id) then
                    forget(id)
                    return false
                end
                local claimed = redis.call(
                    'XCLAIM', stream, group, consumer, 0, id, 'FORCE', 'JUSTID', 'RETRYCOUNT', deliveries
                )
                if not claimed[1] then
                    forget(id)
                    trimmed()
                    return false
                end
                redis.call('ZREM', ready, id)
                return true
            end

            -- To the dead letters, for the reason given or, without one, for another.
            local function die(id, record, receipt, otherwise)
                bury(id, reason ~= '' and reason or otherwise, record.deliveries, otherwise)
                redis.call('ZADD', settled, time, receipt)
                return record.text
            end

            \#(settle)

            local outcomes = {}
            for i = 7, #ARGV do
                local receipt = ARGV[i]
                local id, token = parts(receipt)
                local record = record(id)
                local outcome = stale
                if record and record.token == token then
                    outcome = settle(id, record, receipt)
                elseif redis.call('ZSCORE', settled, receipt) then
                    outcome = neither
                end
                table.insert(outcomes, outcome)
            end
            return {outcomes, died}
            """#
        )
    }

    /// What scripts that settle begin with.
    ///
    /// Further ARGV: for how long receipts that settled are known, in ms; our consumer; a duration in ms; a reason; then each
    /// receipt, its id padded. Returns of each what `held` had of its frame if it settled it now, 1 if it is known to have
    /// done so before, and 0 if it is stale; and who died of it.
    private static let settling = #"""
        local window, consumer, duration, reason = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
        local stale, neither = 0, 1
        local time = now()
        redis.call('ZREMRANGEBYSCORE', settled, '-inf', time - window)

        -- Id and token, which has sixteen digits.
        local function parts(receipt)
            return string.sub(receipt, 1, -18), string.sub(receipt, -16)
        end
        """#
}
