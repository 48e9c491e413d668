import RedisTesting
import Testing

@Suite("Frames where they stand")
struct FramesTests {
    @Test("are listed in order without their payload, and with it where asked; `next` goes on, and is null at the end")
    func list() async throws {
        try await withService { service, _ in
            for number in 0..<5 {
                let fields = #""camera_id":"cam0\#(number % 2)","data":"d\#(number)""#
                _ = try await service.enqueue(#"{"frame_id":"f\#(number)",\#(fields)}"#)
            }
            let first = try await service.look("/frames?count=3")
            #expect(first.ids == ["f0", "f1", "f2"])
            #expect(first.frames.allSatisfy { $0["frame"]?["data"] == nil && $0["frame"]?["camera_id"] != nil })
            let rest = try await service.look("/frames?count=3&data=true&after=\(try #require(first.next))")
            #expect(rest.ids == ["f3", "f4"])
            #expect(rest.frames.map { $0["frame"]?["data"]?.string } == ["d3", "d4"])
            #expect(rest.next == nil)
            #expect(try await service.look("/frames?camera_id=cam01").ids == ["f1", "f3"])
            #expect(try await service.size() == 5)
        }
    }

    @Test("carry the trace that they were enqueued in")
    func trace() async throws {
        try await withService { service, _ in
            let reply = try await service.enqueue(#"{"frame_id":"f1"}"#).json()
            let frame = try #require(try await service.look("/frames").frames.first)
            #expect(frame["trace_id"] == reply["trace_id"])
            #expect(frame["message_id"] == reply["message_id"])
            let traceID = try #require(reply["trace_id"]?.string)
            #expect(frame["frame"]?["_traceparent"]?.string?.hasPrefix("00-\(traceID)-") == true)
        }
    }

    @Test("are shown one by one, in JSON or as their picture; one that is not there, or settled, is 404")
    func show() async throws {
        try await withService { service, _ in
            let picture: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, 0, 1, 2, 0xFF]
            let upload = try await service.call(
                "POST",
                "/enqueue?frame_id=f1&camera_id=cam01",
                headers: [("Content-Type", "image/jpeg")],
                body: picture
            )
            let id = try #require(try upload.json()["message_id"]?.string)
            let shown = try await service.get("/frames/\(id)", headers: [("Accept", "image/*")])
            #expect(shown.status == 200)
            #expect(shown.body == picture)
            #expect(shown.header("Content-Type") == "image/jpeg")
            #expect(shown.header("X-Frame-Id") == "f1")
            #expect(shown.header("X-Message-Id") == id)
            let json = try await service.get("/frames/\(id)").json()
            #expect(json["frame"]?["data_encoding"] == .string("base64"))
            #expect(json["message_id"]?.string == id)
            _ = try (try await service.get("/frames/1-1")).expectProblem(404)
            _ = try (try await service.get("/frames/f1")).expectProblem(400)
            _ = try await service.dequeue()
            #expect(try await eventually { try await service.get("/frames/\(id)").status == 404 })
        }
    }

    @Test("are deleted one by one and all at once, and how many is told")
    func delete() async throws {
        try await withService { service, _ in
            var ids: [String] = []
            for number in 0..<5 {
                let reply = try await service.enqueue(#"{"frame_id":"f\#(number)"}"#).json()
                ids.append(try #require(reply["message_id"]?.string))
            }
            #expect(try await service.call("DELETE", "/frames/\(ids[2])").text == #"{"deleted":1}"#)
            _ = try (try await service.call("DELETE", "/frames/\(ids[2])")).expectProblem(404)
            #expect(try await service.look("/frames").ids == ["f0", "f1", "f3", "f4"])
            #expect(try await service.dequeue()?["frame_id"] == .string("f0"))
            #expect(try await eventually { try await service.size() == 3 })
            #expect(try await service.call("DELETE", "/frames").text == #"{"deleted":3}"#)
            #expect(try await service.call("DELETE", "/frames").text == #"{"deleted":0}"#)
            try await service.add("new")
            #expect(try await service.dequeue()?["frame_id"] == .string("new"))
        }
    }

    @Test("are read along, from a place or from now on, and stay for the workers")
    func tail() async throws {
        try await withService { service, redis in
            try await service.add("f0")
            let all = try await service.look("/tail?after=0")
            #expect(all.ids == ["f0"])
            let next = try #require(all.next)
            #expect(try await service.look("/tail?wait=0").ids == [])
            #expect(try await service.look("/tail?wait=0&after=\(next)").next == next)
            let fromNow = Task { try await service.look("/tail?wait=30s&after=$").ids }
            #expect(try await eventually { try await redis.cli("CLIENT", "LIST").contains("cmd=xread ") })
            let fromThere = Task { try await service.look("/tail?wait=30s&after=\(next)").ids }
            try await service.add("f1")
            #expect(try await fromNow.value == ["f1"])
            #expect(try await fromThere.value == ["f1"])
            #expect(try await service.size() == 2)
        }
    }

    @Test("are printed by the command line as they come")
    func commandLine() async throws {
        try await withService { service, _ in
            for number in 0..<3 { try await service.add("f\(number)") }
            let command = ["tail", "--after", "0", "--count", "3", "--url", service.url]
            let run = try await CommandRun(FrameBufferProcess.executable, command)
            #expect(run.exitCode == 0, "\(run.errors)")
            #expect(run.lines.map { $0.split(separator: " ").first } == ["f0", "f1", "f2"])
            #expect(run.lines.allSatisfy { $0.split(separator: " ").count == 4 })
            #expect(try await service.size() == 3)
        }
    }

    @Test("are asked for with what is a number, an id, a duration or a known name, or 400")
    func refused() async throws {
        try await withService { service, _ in
            for path in [
                "/frames?count=0", "/frames?count=1001", "/frames?count=x", "/frames?after=x", "/frames?after=$",
                "/frames?data=1", "/frames?wait=1s", "/tail?after=f1", "/tail?wait=61s", "/tail?data=true",
                "/frames/1-x", "/frames/1-1?count=1",
            ] {
                let problem = try (try await service.get(path)).expectProblem(400)
                #expect(problem["detail"]?.string?.isEmpty == false, "\(path)")
            }
        }
    }
}

extension FrameBufferProcess {
    /// How many frames wait and are in hand.
    fileprivate func size() async throws -> Int? {
        try await get("/queue/size").json()["size"]?.integer
    }

    fileprivate struct Seen {
        let frames: [JSON]
        let next: String?
        var ids: [String] { frames.compactMap { $0["frame"]?["frame_id"]?.string } }
    }

    /// What a `GET` of a list of frames shows.
    fileprivate func look(_ path: String) async throws -> Seen {
        let reply = try await get(path)
        guard reply.status == 200, case .array(let frames)? = try reply.json()["frames"] else {
            throw Failure(description: "\(path): \(reply.status) \(reply.text)")
        }
        return Seen(frames: frames, next: try reply.json()["next"]?.string)
    }
}
