internal import RedisClient

extension FrameBuffer {
    /// The most leases that one look lists.
    private static let leasesALook = 1000

    /// Groups, holders of leases, cameras and counters, all at one moment; nothing of a stream that does not exist but its
    /// cameras and counters, which outlive it.
    ///
    /// What other loops and processes enqueued in the last second may be missing among the cameras' last frames.
    package func detail() async throws(FrameBufferError) -> QueueDetail {
        // In the same write, and before it: who was told that a frame is enqueued sees it here.
        sendLastFrames()
        do throws(RedisError) {
            let call = ScriptCall(
                LookScripts.detail,
                keys: [keys.stream, keys.lease, keys.held, keys.cameras, keys.counters],
                [configuration.group, String(Self.leasesALook)]
            )
            guard let detail = QueueDetail(try await redis.call(call).value) else {
                throw RedisError(.protocolViolation, "detail: six values were expected")
            }
            return detail
        } catch {
            throw self.error(error)
        }
    }

    /// How many frames nobody got, of all processes' together: a part of ``detail()`` that costs Redis next to nothing.
    package func losses() async throws(FrameBufferError) -> (losses: QueueDetail.Losses, trimmed: Int) {
        do throws(RedisError) {
            let names = ["dropped", "expired", "superseded", "trimmed"]
            let replies = try await redis.commands(names.map { ["HGET", keys.counters, $0] })
            // What never happened is not there.
            let counts = replies.map { $0.value.integer ?? 0 }
            return (QueueDetail.Losses(dropped: counts[0], expired: counts[1], superseded: counts[2]), counts[3])
        } catch {
            throw self.error(error)
        }
    }
}
