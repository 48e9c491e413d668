internal import RedisClient

/// What leases do in Redis, each in one step. Keys and first arguments are those of ``QueueScripts/aboutFrames(_:_:)``.
enum LeaseScripts {
    static let all = [lease, sweep, ack, nack, extend, reject]

    /// Leases frames that a process has in hand. Further ARGV: the process' consumers, then id, duration in ms, token,
    /// label, `_traceparent` and `frame_id` of each. Returns 1 for each that is leased, and 0 for one that was taken away
    /// meanwhile.
    static let lease = QueueScripts.aboutFrames(
        "lease",
        #"""
        local given = {}
        local time = now()
        for i = 4, #ARGV, 6 do
            local id = ARGV[i]
            local entry = pending(id)
            local isOurs = isOurs(entry, ARGV[3]) and not redis.call('ZSCORE', lease, id)
            if isOurs then
                redis.call('ZADD', lease, time + ARGV[i + 1], id)
                keep(id, {
                    deliveries = entry[4], failures = 0, token = ARGV[i + 2], time = time, nacked = false,
                    label = ARGV[i + 3], reason = '', traceparent = ARGV[i + 4], frame = ARGV[i + 5]
                })
            end
            table.insert(given, isOurs and 1 or 0)
        end
        return given
        """#
    )

    /// Returns one portion of the frames whose leases have run out. Further ARGV: the portion. Returns how many were due,
    /// and who died of it.
    static let sweep = QueueScripts.aboutFrames("sweep", "return {sweep(tonumber(ARGV[3])), died}")

    /// The frames are done with.
    static let ack = settlement(
        "ack",
        #"""
        local function settle(id, record, receipt)
            if forget(id) == 0 then return 'stale' end
            if not drop(id) then
                trimmed()
                return 'stale'
            end
            redis.call('ZADD', settled, time, receipt)
            return 'settled'
        end
        """#
    )

    /// The frames are to be handed out again, once a delay is over; or they are dead, if this was their last delivery.
    static let nack = settlement(
        "nack",
        #"""
        local function settle(id, record, receipt)
            if record.nacked then return 'neither' end
            if not regain(id, record.deliveries) then return 'stale' end
            if most > 0 and record.deliveries >= most then return die(id, record, receipt, 'nacked') end
            if duration > 0 then redis.call('ZADD', lease, time + duration, id) else giveBack(id) end
            record.nacked, record.reason = true, reason
            keep(id, record)
            return 'settled'
        end
        """#
    )

    /// The leases last a while longer, from now on.
    static let extend = settlement(
        "extend",
        #"""
        local function settle(id, record, receipt)
            if not regain(id, record.deliveries) then return 'stale' end
            redis.call('ZADD', lease, time + duration, id)
            record.nacked, record.used, record.reason = false, true, ''
            keep(id, record)
            return 'settled'
        end
        """#
    )

    /// The frames go to the dead letters.
    static let reject = settlement(
        "reject",
        #"""
        local function settle(id, record, receipt)
            if not regain(id, record.deliveries) then return 'stale' end
            return die(id, record, receipt, 'rejected')
        end
        """#
    )

    /// A script that does with each receipt's frame what the function `settle` says, if the receipt is the frame's.
    ///
    /// Further ARGV: for how long receipts that settled are known, in ms; our consumer; a duration in ms; a reason; then each
    /// receipt, its id padded. Returns outcome, `frame_id` and `_traceparent` of each, and who died of it.
    private static func settlement(_ name: String, _ settle: String) -> RedisScript {
        QueueScripts.aboutFrames(
            name,
            #"""
            local window, consumer, duration, reason = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
            local time = now()
            redis.call('ZREMRANGEBYSCORE', settled, '-inf', time - window)

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
                return 'settled'
            end

            \#(settle)

            local outcomes = {}
            for i = 7, #ARGV do
                local id, token = string.match(ARGV[i], '^(.*)%.(%x+)$')
                local record = record(id)
                local outcome = 'stale'
                if record and record.token == token then
                    outcome = settle(id, record, ARGV[i])
                elseif redis.call('ZSCORE', settled, ARGV[i]) then
                    outcome = 'neither'
                end
                local isKnown = outcome == 'settled'
                table.insert(outcomes, {outcome, isKnown and record.frame or '', isKnown and record.traceparent or ''})
            end
            return {outcomes, died}
            """#
        )
    }
}
