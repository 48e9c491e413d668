import NIOCore
import Testing

@testable import FrameBuffer

@Suite("Who is alive")
struct LivenessTests {
    @Test("A process whose count stands still for ten watched seconds is dead, one that counts on is not")
    func dead() {
        var liveness = Liveness()
        for second in 0...9 {
            #expect(liveness.observe(["a": 7, "b": second], of: ["a", "b"], now: time(second)) == [])
        }
        #expect(liveness.observe(["a": 7, "b": 10], of: ["a", "b"], now: time(10)) == ["a"])
        #expect(liveness.observe(["a": 8, "b": 11], of: ["a", "b"], now: time(11)) == [])
    }

    @Test("A time in which we saw nothing says nothing about the others")
    func blind() {
        var liveness = Liveness()
        for second in 0...5 { _ = liveness.observe(["a": 7], of: ["a"], now: time(second)) }
        // An outage of an hour, or a sleep of ours.
        #expect(liveness.observe(["a": 7], of: ["a"], now: time(3600)) == [])
        for second in 3601...3604 { #expect(liveness.observe(["a": 7], of: ["a"], now: time(second)) == []) }
        #expect(liveness.observe(["a": 7], of: ["a"], now: time(3605)) == ["a"])
    }

    @Test("A consumer's process that gives no sign at all is dead after as long, and back with its first sign")
    func unlisted() {
        var liveness = Liveness()
        for second in 0...9 { #expect(liveness.observe([:], of: ["a"], now: time(second)) == []) }
        #expect(liveness.observe([:], of: ["a"], now: time(10)) == ["a"])
        #expect(liveness.observe(["a": 1], of: ["a"], now: time(11)) == [])
    }

    @Test("A process without consumers is watched as well, and forgotten once it is nowhere")
    func forgotten() {
        var liveness = Liveness()
        for second in 0...9 { _ = liveness.observe(["a": 1], of: [], now: time(second)) }
        #expect(liveness.observe(["a": 1], of: [], now: time(10)) == ["a"])
        #expect(liveness.observe([:], of: [], now: time(11)) == [])
        #expect(liveness.observe(["a": 1], of: [], now: time(12)) == [])
    }

    @Test("Consumers' names tell whose they are, and a stranger's that it is one")
    func names() {
        let process = ProcessIdentity()
        #expect(ProcessIdentity.process(ofConsumer: process.consumer(loop: 3, life: 42)) == process.name)
        #expect(process.consumer(loop: 3, life: 42).hasPrefix(process.consumers))
        for stranger in ["", "worker-1", "fb-1.0.0", "a.b.c", process.name, process.name + ".1"] {
            #expect(ProcessIdentity.process(ofConsumer: stranger) == nil)
        }
    }

    private func time(_ seconds: Int) -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000_000 + UInt64(seconds) * 1_000_000_000)
    }
}
