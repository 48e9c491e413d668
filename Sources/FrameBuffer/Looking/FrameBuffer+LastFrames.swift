internal import EventLoopExecution
internal import RedisClient

extension FrameBuffer {
    /// A frame is in the stream. It is only noted here, as a command of its own would make each frame dearer.
    @inline(never)  // Its values would be kept in the async frame of its caller: 32 bytes of each enqueue.
    func noteLast(of frame: IncomingFrame, _ frameID: String, _ id: StreamID) {
        guard let camera = frame.cameraID else { return }
        lastFrames.note(LastFrames.Frame(id: id, frameID: frameID), of: camera)
    }

    /// Tells Redis of each camera's last frame, once a second until it is cancelled, and once more then.
    ///
    /// A process that is killed has not told what was enqueued in its last second.
    package func tellLastFrames() async {
        while !Task.isCancelled {
            await executor.sleep(for: .seconds(1))
            await withCheckedContinuation { continuation in sendLastFrames { continuation.resume() } }
        }
    }

    /// Sends the last frames that Redis was not told of yet. What fails is told the next time; telling twice is harmless.
    func sendLastFrames(_ completion: @escaping @Sendable () -> Void = {}) {
        let frames = lastFrames.take()
        guard !frames.isEmpty else { return completion() }
        let words = frames.flatMap { [$0.key, $0.value.id.padded, $0.value.frameID] }
        let call = ScriptCall(LookScripts.tellLastFrames, keys: [keys.cameras], [String(LastFrames.most)] + words)
        redis.assumeIsolated { redis in
            redis.send(call) { result in
                if case .failure = result {
                    self.assumeIsolated { for (camera, frame) in frames { $0.lastFrames.note(frame, of: camera) } }
                }
                completion()
            }
        }
    }
}
