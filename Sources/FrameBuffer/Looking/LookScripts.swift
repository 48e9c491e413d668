internal import RedisClient

/// What those who look at a queue are told.
enum LookScripts {
    static let all = [tellLastFrames, detail]

    /// Notes the last frames of cameras. KEYS cameras. ARGV the most cameras that are known, then camera, padded id and
    /// `frame_id` of each. What is known of a newer frame stays; cameras that have been silent for longest are forgotten
    /// where there are too many.
    static let tellLastFrames = RedisScript(
        "tell last frames",
        """
        #!lua flags=allow-oom
        for i = 2, #ARGV, 3 do
            local known = redis.call('HGET', KEYS[1], ARGV[i])
            if not known or string.sub(known, 1, 41) < ARGV[i + 1] then
                redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[i + 2])
            end
        end
        local excess = redis.call('HLEN', KEYS[1]) - ARGV[1]
        if excess > 0 then
            local cameras, all = {}, redis.call('HGETALL', KEYS[1])
            for i = 1, #all, 2 do table.insert(cameras, string.sub(all[i + 1], 1, 41) .. all[i]) end
            table.sort(cameras)
            for i = 1, excess do redis.call('HDEL', KEYS[1], string.sub(cameras[i], 42)) end
        end
        """
    )

    /// All there is to say of a queue but its size. KEYS stream, lease, held, cameras, counters. ARGV our group, the most
    /// leases to list. Returns the time; name, consumers, pending frames, last delivered id and lag (nil where Redis does not
    /// know it) of each group; how many leases there are; id, end and `held` (nil where it is gone) of those that
    /// end first; cameras; counters.
    static let detail = RedisScript(
        "detail",
        """
        #!lua flags=no-writes
        local time = redis.call('TIME')
        local groups, isThere = {}, false
        for _, group in ipairs(redis.call('EXISTS', KEYS[1]) == 1 and redis.call('XINFO', 'GROUPS', KEYS[1]) or {}) do
            local info = {}
            for i = 1, #group, 2 do info[group[i]] = group[i + 1] end
            isThere = isThere or info['name'] == ARGV[1]
            table.insert(groups, {
                info['name'], info['consumers'], info['pending'], info['last-delivered-id'], info['lag'] or false
            })
        end
        -- Without the group no lease is one any more.
        local count, leases = isThere and redis.call('ZCARD', KEYS[2]) or 0, {}
        local first = isThere and redis.call('ZRANGE', KEYS[2], 0, ARGV[2] - 1, 'WITHSCORES') or {}
        for i = 1, #first, 2 do
            table.insert(leases, {first[i], first[i + 1], redis.call('HGET', KEYS[3], first[i])})
        end
        return {
            time[1] * 1000 + math.floor(time[2] / 1000), groups, count, leases,
            redis.call('HGETALL', KEYS[4]), redis.call('HGETALL', KEYS[5])
        }
        """
    )
}
