internal import RedisClient

/// What deletes frames because somebody says so: one, or all.
extension QueueScripts {
    /// Deletes a frame that is not settled; where settled ones stay, it is settled. Further ARGV: id, a consumer. Returns 1 and
    /// its epitaph if it was there, 0 if not, and -1 to be called again.
    static let delete = aboutFrames(
        "delete",
        """
        local id = ARGV[3]
        if redis.call('ZSCORE', kept, id) then return {0} end
        local deleted = redis.call('XRANGE', stream, id, id)[1]
        if not keeps or pending(id) or redis.call('ZSCORE', ready, id) then
            forget(id)
            if not deleted then return {0} end
            if keeps then drop(id) else redis.call('XDEL', stream, id) end
            return {1, epitaph(deleted)}
        end
        if not deleted then return {0} end
        -- Unread. So that it isn't read later, it is now; those before it wait on among the returned.
        local read = redis.call('XREADGROUP', 'GROUP', group, ARGV[4], 'COUNT', 50, 'STREAMS', stream, '>')
        if not read then return {0} end
        local found = -1
        for _, entry in ipairs(read[1][2]) do
            local other = padded(entry[1])
            if other == id then
                forget(id)
                drop(id)
                found = 1
            else
                giveBack(other)
                if other > id and found < 0 then found = 0 end
            end
        end
        if found == 1 then return {1, epitaph(deleted)} end
        return {found}
        """
    )

    /// Deletes one portion of all frames up to a bound, and in the same step forgets what was known of them, as what is pending
    /// or returned and not in the stream counts as trimmed by others. Further ARGV: the bound, a consumer, the portion, the id
    /// behind the bound. Returns how many were not settled, and 1 if there may be more.
    static let purge = aboutFrames(
        "purge",
        """
        local bound, portion = ARGV[3], ARGV[5]
        \(unsettled)
        local deleted = 0
        for _, id in ipairs(ids) do
            forget(id)
            if redis.call('XDEL', stream, id) == 1 then deleted = deleted + 1 else trimmed() end
        end
        local settled = redis.call('ZRANGE', kept, '-', '[' .. bound, 'BYLEX', 'LIMIT', 0, portion)
        for _, id in ipairs(settled) do
            redis.call('ZREM', kept, id)
            redis.call('XDEL', stream, id)
        end
        if #ids + #settled > 0 then return {deleted, 1} end
        -- The others are unread, and nothing is known of them. Asked for no more than some, Redis leaves the node alone that
        -- the bound is in.
        local unread = redis.call('XTRIM', stream, 'MINID', '~', ARGV[6], 'LIMIT', 2500)
        if unread > 0 then return {unread, 1} end
        return {redis.call('XTRIM', stream, 'MINID', ARGV[6]), 0}
        """
    )

    /// Settles one portion of all frames up to a bound, which stay in the stream for its readers. Further ARGV: the bound, a
    /// consumer, the portion. Returns how many, and 1 if there may be more.
    static let discard = aboutFrames(
        "discard",
        """
        local bound, portion = ARGV[3], ARGV[5]
        \(unsettled)
        if #ids == 0 then
            local read = redis.call('XREADGROUP', 'GROUP', group, ARGV[4], 'COUNT', portion, 'STREAMS', stream, '>')
            for _, entry in ipairs(read and read[1][2] or {}) do table.insert(ids, padded(entry[1])) end
        end
        local discarded = 0
        for _, id in ipairs(ids) do
            if id > bound then
                giveBack(id)
            else
                forget(id)
                if drop(id) then discarded = discarded + 1 else trimmed() end
            end
        end
        return {discarded, #ids > 0 and ids[#ids] <= bound and 1 or 0}
        """
    )

    /// One portion of the frames up to a bound that were handed out and are not settled, returned or in hand.
    private static let unsettled = """
        local ids = redis.call('ZRANGE', ready, '-', '[' .. bound, 'BYLEX', 'LIMIT', 0, portion)
        for _, entry in ipairs(redis.call('XPENDING', stream, group, '-', bound, portion)) do
            table.insert(ids, padded(entry[1]))
        end
        """
}
