import Foundation
import RedisTesting
import Testing

/// The commands for frames under leases and for dead letters, as a user runs them.
@Suite("The command line", .timeLimit(.minutes(3)))
struct CommandsTests {
    private func run(_ service: FrameBufferProcess, _ arguments: String...) async throws -> CommandRun {
        try await CommandRun(FrameBufferProcess.executable, arguments + ["--url", service.url])
    }

    /// Runs a line of shell, in which `$FB` is the executable and `$URL` the service.
    private func shell(_ service: FrameBufferProcess, _ line: String, _ folder: URL? = nil) async throws -> CommandRun {
        let environment = ["FB": FrameBufferProcess.executable.path, "URL": service.url, "DIR": folder?.path ?? ""]
        return try await CommandRun(URL(fileURLWithPath: "/bin/sh"), ["-c", line], environment: environment)
    }

    private func withFolder(_ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("fb-commands-\(UInt64.random(in: .min ... .max))")
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder)
    }

    /// The contents of the files that are to be seen.
    private func contents(of folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { !$0.hasPrefix(".") }.sorted().map {
            String(decoding: try Data(contentsOf: folder.appendingPathComponent($0)), as: UTF8.self)
        }
    }

    private func enqueue(_ payload: String, _ service: FrameBufferProcess, id: String) async throws {
        let headers = [("Content-Type", "image/jpeg"), ("X-Frame-Id", id)]
        let reply = try await service.call("POST", "/enqueue", headers: headers, body: Array(payload.utf8))
        #expect(reply.status == 200)
    }

    // MARK: Enqueueing

    @Test("puts each file into the queue once, though Redis hangs while it takes one and nobody knows whether it did")
    func unknown() async throws {
        try await withService { service, redis in
            try await withFolder { folder in
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                let files = ["a.bin", "b.bin"].map { folder.appendingPathComponent($0) }
                for file in files { try Data("picture".utf8).write(to: file) }
                redis.freeze(true)
                let command = Task {
                    try await run(service, "enqueue", files[0].path, files[1].path)
                }
                let isUnknown = try await eventually {
                    try await service.get("/metrics").text.contains(
                        #"http_route="/enqueue",http_response_status_code="503""#
                    )
                }
                #expect(isUnknown)
                redis.freeze(false)
                let result = try await command.value
                #expect(result.exitCode == 0, "\(result.errors)")
                #expect(result.lines.count == 2)
                #expect(try await service.counts() == Counts(waiting: 2))
            }
        }
    }

    // MARK: Leases

    @Test("prints a leased frame with the receipt that settles it, under the name of who took it")
    func lease() async throws {
        try await withService { service, _ in
            try await service.post("a", "b")
            let json = try await run(service, "dequeue", "--lease", "60s")
            #expect(json.exitCode == 0, "\(json.errors)")
            let receipt = try #require(try JSON(json.lines[0])["lease"]?["receipt"]?.string)
            try await withFolder { folder in
                let arguments = ["--lease", "50s", "--consumer", "left worker", "--output", folder.path]
                let file = try await CommandRun(
                    FrameBufferProcess.executable,
                    ["dequeue", "--url", service.url] + arguments
                )
                let words = try #require(file.lines.first).split(separator: " ", maxSplits: 4).map(String.init)
                #expect(words.count == 5 && words[0] == "b" && words[4] == folder.path + "/000001_b.json")
                #expect(words[3].hasPrefix(words[1] + "."))
                let consumers = try await service.get("/queue").json()["consumers"]
                #expect(consumers?[0]?["consumer"] == .string("left worker"))
                let name = consumers?[1]?["consumer"]?.string ?? ""
                let host = try String(contentsOfFile: "/proc/sys/kernel/hostname", encoding: .utf8).prefix {
                    $0 != "\n"
                }
                #expect(name.wholeMatch(of: /(.+) pid \d+/)?.1 == host, "\(name)")
                #expect(try await service.settle("/ack", [receipt, words[3]]).settled == 2)
            }
            #expect(try await service.counts() == Counts())
        }
    }

    @Test("acknowledges each frame that it has written, be it a file or a line")
    func acknowledged() async throws {
        try await withService { service, _ in
            for number in 0..<6 { try await enqueue("picture \(number)", service, id: "f\(number)") }
            let printed = try await run(service, "dequeue", "--lease", "60s", "--ack", "--count", "2")
            #expect(printed.exitCode == 0, "\(printed.errors)")
            #expect(try printed.lines.map { try JSON($0)["frame"]?["frame_id"]?.string } == ["f0", "f1"])
            #expect(try await service.counts() == Counts(waiting: 4))
            try await withFolder { folder in
                let arguments = ["--ack", "--lease", "60s", "--output", folder.path, "--count", "9", "--wait", "100ms"]
                let written = try await CommandRun(
                    FrameBufferProcess.executable,
                    ["dequeue", "--url", service.url] + arguments
                )
                #expect(written.exitCode == 0, "\(written.errors)")
                #expect(written.lines.map { $0.split(separator: " ").count } == [4, 4, 4, 4])
                #expect(try contents(of: folder) == (2..<6).map { "picture \($0)" })
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 4)
            }
            #expect(try await service.counts() == Counts())
        }
    }

    @Test("that is killed in the middle loses no frame, and leaves no half a file")
    func killed() async throws {
        try await withService { service, _ in
            let payloads = (0..<150).map { "\($0) " + String(repeating: "x", count: 50_000) }
            for (number, payload) in payloads.enumerated() { try await enqueue(payload, service, id: "f\(number)") }
            try await withFolder { folder in
                let take = ["dequeue", "--url", service.url, "--ack", "--output", folder.path]
                for round in 1...3 {
                    let process = try RunningProcess(
                        FrameBufferProcess.executable,
                        take + ["--lease", "2s", "--follow"],
                        environment: [:]
                    )
                    let isInTheMiddle = try await eventually(within: .seconds(30)) {
                        // The folder is made by the first of them.
                        (try? contents(of: folder).count) ?? 0 >= 30 * round
                    }
                    process.signal(SIGKILL)
                    #expect(isInTheMiddle, "\(process.log)")
                    #expect(await process.exitCode() == -SIGKILL)
                }
                #expect(try await service.counts().dead == 0)
                let rest = try await CommandRun(
                    FrameBufferProcess.executable,
                    take + ["--lease", "60s", "--count", "1000", "--wait", "5s"]
                )
                #expect(rest.exitCode == 0, "\(rest.errors)")
                #expect(try await service.counts() == Counts())
                let written = try contents(of: folder)
                // Not in the macro, which would print them.
                let (isWhole, isAll) = (Set(written).isSubset(of: payloads), Set(written).count == payloads.count)
                #expect(isWhole && isAll)
                // One of each that was killed comes twice; more only where the machine is too busy for the leases.
                #expect(written.count <= payloads.count + 30)
            }
        }
    }

    @Test("hands a frame back that it can't write, with the reason, and exits with 73")
    func unwritable() async throws {
        try await withService { service, _ in
            try await enqueue(String(repeating: "x", count: 100_000), service, id: "large")
            let printed = try await shell(service, "$FB dequeue --lease 60s --ack --url $URL > /dev/full")
            #expect(printed.exitCode == 73)
            #expect(printed.errors.contains("No space left on device") && printed.errors.contains("handed back"))
            #expect(try await service.counts() == Counts(waiting: 1))
            try await withFolder { folder in
                // Files may be of 8 KiB and no more.
                let line = "trap '' XFSZ; ulimit -f 16; exec $FB dequeue --lease 60s --ack --output $DIR --url $URL"
                let written = try await shell(service, line, folder)
                #expect(written.exitCode == 73 && written.lines == [])
                #expect(written.errors.contains("large") && written.errors.contains("File too large"))
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
            }
            let frame = try #require(try await service.lease())
            #expect(frame.deliveries == 3)
            #expect(try await service.settle("/ack", frame).settled == 1)
        }
    }

    @Test("says so and exits with 75 where a lease had ended, and another has the frame, before it was acknowledged")
    func late() async throws {
        try await withService { service, _ in
            // More than a pipe holds: it is written when it is read, and that is late.
            try await enqueue(String(repeating: "x", count: 200_000), service, id: "late")
            try await withFolder { folder in
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                let take = "{ $FB dequeue --lease 1s --ack --url $URL; echo exit $? >&2; }"
                let read = "{ while [ ! -e $DIR/go ]; do sleep 0.05; done; cat > $DIR/read; }"
                async let command = shell(service, "\(take) | \(read)", folder)
                let isTaken = try await eventually { try await service.counts().leased == 1 }
                #expect(isTaken)
                let frame = try await service.lease(wait: "20s")
                #expect(frame?.deliveries == 2)
                try Data().write(to: folder.appendingPathComponent("go"))
                let run = try await command
                #expect(run.errors.contains("exit 75") && run.errors.contains("frame late"), "\(run.errors)")
                #expect(try await service.settle("/ack", frame).settled == 1)
            }
        }
    }

    @Test("tries to acknowledge again while Redis is away")
    func away() async throws {
        try await withService { service, redis in
            try await enqueue(String(repeating: "x", count: 200_000), service, id: "a")
            try await withFolder { folder in
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                let read = "{ while [ ! -e $DIR/go ]; do sleep 0.05; done; cat > $DIR/read; }"
                async let command = shell(
                    service,
                    "{ $FB dequeue --lease 60s --ack --url $URL; echo exit $? >&2; } | \(read)",
                    folder
                )
                let isTaken = try await eventually { try await service.counts().leased == 1 }
                #expect(isTaken)
                try await redis.cli("CONFIG", "SET", "min-replicas-to-write", "1")
                try Data().write(to: folder.appendingPathComponent("go"))
                let isRead = try await eventually {
                    ((try? Data(contentsOf: folder.appendingPathComponent("read")))?.count ?? 0) > 200_000
                }
                #expect(isRead)
                // Each time when something is refused, which is twice a second, and an acknowledgement is among them.
                let before = try await refusals(redis)
                let isRefused = try await eventually { try await refusals(redis) > before + 3 }
                #expect(isRefused)
                #expect(try await redis.cli("CONFIG", "SET", "min-replicas-to-write", "0") == "OK")
                let run = try await command
                #expect(run.errors.contains("exit 0"), "\(run.errors)")
                #expect(try await service.counts() == Counts())
            }
        }
    }

    /// How often a Redis without replicas refused to write for want of them.
    private func refusals(_ redis: RedisServer) async throws -> Int {
        let match = try await redis.cli("INFO", "errorstats").firstMatch(of: /errorstat_NOREPLICAS:count=(\d+)/)
        return match.flatMap { Int($0.1) } ?? 0
    }

    // MARK: Dead letters

    @Test("lists dead letters, all or some, and puts those back that are named, or all where that is said")
    func deadLetters() async throws {
        try await withService { service, _ in
            for number in 0..<5 {
                #expect(try await service.enqueue(#"{"frame_id":"f\#(number)","camera_id":"cam"}"#).status == 200)
                let frame = try #require(try await service.lease())
                #expect(try await service.settle("/reject", frame, #""reason":"too dark""#).settled == 1)
            }
            let list = try await run(service, "dead-letters")
            #expect(list.exitCode == 0, "\(list.errors)")
            let letters = list.lines.map { $0.split(separator: " ", maxSplits: 6).map(String.init) }
            try #require(letters.map(\.count) == [7, 7, 7, 7, 7])
            #expect(letters.map { $0[1] } == (0..<5).map { "f\($0)" })
            #expect(letters.allSatisfy { $0[2] == "cam" && $0[4] == "1" && $0[6] == "too dark" })
            #expect(letters.allSatisfy { $0[3].hasSuffix("Z") && $0[5].wholeMatch(of: /[0-9a-f]{32}/) != nil })
            let ids = letters.map { $0[0] }

            let some = try await run(service, "dead-letters", "--after", ids[1], "--count", "2", "--json")
            let page = try await service.get("/dead-letters?after=\(ids[1])&count=2").json()
            #expect(try some.lines.map { try JSON($0) } == [page["dead_letters"]?[0], page["dead_letters"]?[1]])

            for refused in [[], [ids[0], "--all"], ["nothing"]] {
                let arguments = ["redrive", "--url", service.url] + refused
                let run = try await CommandRun(FrameBufferProcess.executable, arguments)
                #expect(run.exitCode == (refused == ["nothing"] ? 1 : 64), "\(refused)")
                #expect(!run.errors.isEmpty && run.lines == [])
            }
            #expect(try await service.counts() == Counts(dead: 5))
            let two = try await run(service, "redrive", ids[3], ids[1])
            #expect(two.exitCode == 0 && two.lines == ["2 redriven, 3 dead"], "\(two.errors)")
            let again = try await run(service, "redrive", ids[3], ids[0])
            #expect(again.exitCode == 1 && again.lines == ["1 redriven, 2 dead"], "\(again.errors)")
            let rest = try await run(service, "redrive", "--all")
            #expect(rest.exitCode == 0 && rest.lines == ["2 redriven, 0 dead"], "\(rest.errors)")
            #expect(try await service.leaseAll(5).map(\.frameID) == ["f3", "f1", "f0", "f2", "f4"])
            #expect(try await run(service, "dead-letters").lines == [])
        }
    }

    @Test("lists more dead letters than one request brings")
    func manyDeadLetters() async throws {
        try await withService(["FRAMEBUFFER_CAPACITY_FRAMES": "2000"]) { service, redis in
            let body = "[" + (0..<1000).map { #"{"frame_id":"\#($0)"}"# }.joined(separator: ",") + "]"
            #expect(try await service.enqueue(body).status == 200)
            try await service.add("1000")
            let receipts = try await service.leaseAll(1001).map(\.receipt)
            #expect(receipts.count == 1001)
            #expect(try await service.settle("/reject", Array(receipts[..<1000])).settled == 1000)
            #expect(try await service.settle("/reject", [receipts[1000]]).settled == 1)
            #expect(try await run(service, "dead-letters").lines.count == 1001)
            #expect(try await run(service, "dead-letters", "--count", "1").lines.count == 1)
            let all = try await run(service, "redrive", "--all")
            #expect(all.lines == ["1001 redriven, 0 dead"], "\(all.errors)")
        }
    }

    @Test("refuses what makes no sense before it takes a frame, and fails where nobody answers")
    func refused() async throws {
        for arguments in [
            ["dequeue", "--ack"], ["dequeue", "--consumer", "me"], ["dequeue", "--lease", "2h"],
            ["dequeue", "--lease", "500ms"], ["dequeue", "--lease", "soon"], ["dead-letters", "--count", "0"],
        ] {
            let run = try await CommandRun(FrameBufferProcess.executable, arguments)
            #expect(run.exitCode == 64 && !run.errors.isEmpty, "\(arguments)")
        }
        for arguments in [["dequeue", "--lease", "5s", "--ack"], ["dead-letters"], ["redrive", "--all"]] {
            // Nobody listens on port 1.
            let url = ["--url", "http://127.0.0.1:1"]
            let run = try await CommandRun(FrameBufferProcess.executable, arguments + url)
            #expect(run.exitCode == 69 && !run.errors.isEmpty, "\(arguments)")
        }
    }
}
