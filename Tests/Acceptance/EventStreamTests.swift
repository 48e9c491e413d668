import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import RedisTesting
import Testing

@Suite("Frames as server-sent events", .timeLimit(.minutes(2)))
struct EventStreamTests {
    @Test("come as they are enqueued, each with its id, in order, and stay for the workers")
    func events() async throws {
        try await withService { service, _ in
            try await service.add("f0")
            let events = try await Events(of: service, "/stream?after=0")
            #expect(events.type == "text/event-stream")
            #expect(try await events.next().frameID == "f0")
            for number in 1...20 { try await service.add("f\(number)") }
            for number in 1...20 {
                let event = try await events.next()
                #expect(event.frameID == "f\(number)")
                #expect(event.id == event.data["message_id"]?.string)
            }
            #expect(try await service.get("/queue/size").json()["waiting"] == .number("21"))
            await events.close()
        }
    }

    @Test("go on behind Last-Event-ID, which counts more than `after`; without either what is there is left out")
    func lastEventID() async throws {
        try await withService { service, redis in
            for id in ["f0", "f1", "f2"] { try await service.add(id) }
            let all = try await Events(of: service, "/stream?after=0")
            let first = try await all.next()
            await all.close()
            let again = try await Events(of: service, "/stream?after=$", headers: [("Last-Event-ID", first.id)])
            #expect(try await again.next().frameID == "f1")
            #expect(try await again.next().frameID == "f2")
            let fromNow = try await Events(of: service, "/stream")
            try await service.add("f3")
            #expect(try await again.next().frameID == "f3")
            #expect(try await fromNow.next().frameID == "f3")
            for events in [again, fromNow] { await events.close() }
        }
    }

    @Test("keep a producer's JSON whose text has line ends")
    func lines() async throws {
        try await withService { service, _ in
            _ = try await service.enqueue("{\"frame_id\":\"f1\",\"box\":{\r\n\"x\":1,\n\"y\":[\r2]}}")
            let events = try await Events(of: service, "/stream?after=0")
            let box = try await events.next().data["frame"]?["box"]
            #expect(box == .object(["x": .number("1"), "y": .array([.number("2")])]))
            await events.close()
        }
    }

    @Test("end when the service stops, at once")
    func stop() async throws {
        try await withService { service, _ in
            let events = try await Events(of: service, "/stream?after=0")
            try await service.add("f1")
            #expect(try await events.next().frameID == "f1")
            #expect(await service.stop() == 0)
            await #expect(throws: Events.Ended.self) { try await events.next() }
        }
    }

    @Test("are refused where the place is none, or Redis is away")
    func refused() async throws {
        try await withService { service, redis in
            _ = try (try await service.get("/stream?after=f1")).expectProblem(400)
            _ = try (try await service.get("/stream", headers: [("Last-Event-ID", "x")])).expectProblem(400)
            redis.kill()
            _ = try (try await service.get("/stream")).expectProblem(503)
        }
    }
}

/// An open stream of events. Used by one test at a time.
private final class Events: @unchecked Sendable {
    struct Ended: Error {}

    struct Event {
        let id: String
        let data: JSON
        var frameID: String? { data["frame"]?["frame_id"]?.string }
    }

    let type: String?
    private let client = HTTPClient(eventLoopGroupProvider: .singleton)
    private var parts: HTTPClientResponse.Body.AsyncIterator?
    private var text = ""

    init(of service: FrameBufferProcess, _ path: String, headers: [(String, String)] = []) async throws {
        var request = HTTPClientRequest(url: service.url + path)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let response = try await client.execute(request, timeout: .seconds(60))
        type = response.headers.first(name: "Content-Type")
        parts = response.body.makeAsyncIterator()
    }

    func next() async throws -> Event {
        while true {
            if let end = text.firstRange(of: "\n\n") {
                let event = String(text[..<end.lowerBound])
                text = String(text[end.upperBound...])
                if let event = try Self.event(event) { return event }
                continue
            }
            do {
                guard let part = try await parts?.next() else { throw Ended() }
                text += String(buffer: part)
            } catch {
                throw Ended()
            }
        }
    }

    func close() async {
        parts = nil
        try? await client.shutdown()
    }

    /// nil for a comment.
    private static func event(_ text: String) throws -> Event? {
        var (id, name, data) = (nil as String?, nil as String?, [String]())
        for line in text.split(separator: "\n") {
            let words = line.split(separator: ": ", maxSplits: 1)
            switch words[0] {
            case "id": id = String(words[1])
            case "event": name = String(words[1])
            case "data": data.append(words.count > 1 ? String(words[1]) : "")
            default: #expect(line == ":")
            }
        }
        guard let id else { return nil }
        #expect(name == "frame")
        return Event(id: id, data: try JSON(data.joined(separator: "\n")))
    }

    deinit { client.shutdown { _ in } }
}
