import Foundation
import RedisTesting
import Testing

/// Where spans go and how, as operators write it.
@Suite("OTEL_EXPORTER_OTLP_*")
struct TraceSettingsTests {
    @Test(
        "Endpoints and headers are used as they were written, and faulty pairs are told of without their text",
        arguments: [("/base/", "/base/v1/traces"), ("/base", "/base/v1/traces"), ("", "/v1/traces")]
    )
    func endpoints(base: String, path: String) async throws {
        let receiver = try await OTLPReceiver()
        try await receiver.setPath(path)
        let traced = try await TracedService(
            [
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(receiver.port)\(base)",
                "OTEL_EXPORTER_OTLP_HEADERS":
                    "authorization=Basic%20dTpwPQ%3D%3D, x-a=1=2,bad,=v,k=%zz,x-space=a b",
            ],
            receiver: receiver
        )
        let requests = try await self.requests(of: traced)
        for request in requests {
            #expect(request.path == path)
            #expect(request.headers["authorization"] == "Basic dTpwPQ==")
            #expect(request.headers["x-a"] == "1=2")
            #expect(request.headers["x-space"] == "a b")
            #expect(request.headers["content-type"] == "application/x-protobuf")
            #expect(request.headers["content-encoding"] == nil)
            #expect(request.headers["k"] == nil && request.headers["bad"] == nil)
        }
        let warnings = traced.service.log.split(separator: "\n").filter { $0.contains("OTEL_EXPORTER_OTLP_HEADERS") }
        #expect(warnings.count == 3, "\(traced.service.log)")
        for secret in ["dTpwPQ", "1=2", "%zz"] { #expect(!traced.service.log.contains(secret)) }
    }

    @Test("An endpoint for traces is taken as it is, beside a general one and with headers of its own")
    func tracesEndpoint() async throws {
        let receiver = try await OTLPReceiver()
        try await receiver.setPath("/custom")
        let traced = try await TracedService(
            [
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1/elsewhere",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:\(receiver.port)/custom",
                "OTEL_EXPORTER_OTLP_HEADERS": "x-general=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x-traces=2",
            ],
            receiver: receiver
        )
        for request in try await requests(of: traced) {
            #expect(request.path == "/custom")
            #expect(request.headers["x-traces"] == "2" && request.headers["x-general"] == nil)
        }
    }

    @Test(
        "Each protocol, compressed or not, brings the same spans, within their limits",
        arguments: ["http/protobuf", "http/json", "grpc"],
        ["none", "gzip"]
    )
    func protocols(name: String, compression: String) async throws {
        let traced = try await TracedService([
            "OTEL_EXPORTER_OTLP_PROTOCOL": name, "OTEL_EXPORTER_OTLP_COMPRESSION": compression,
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "12", "OTEL_SPAN_EVENT_COUNT_LIMIT": "0",
        ])
        let requests = try await requests(of: traced)
        let type = name == "http/json" ? "application/json" : "application/x-protobuf"
        #expect(requests.allSatisfy { $0.headers["content-type"] == type })
        #expect(requests.allSatisfy { $0.headers["content-encoding"] == (compression == "gzip" ? "gzip" : nil) })
        let spans = try await traced.receiver.spans()
        #expect(spans.count == 4)
        let enqueue = try spans.only(.producer, name: "enqueue frames:queue")
        #expect(enqueue.attributes["frame.id"] == "f1 \"żółw\"")
        #expect(enqueue.attributes["messaging.destination.name"] == "frames:queue")
        #expect(enqueue.events.isEmpty)
        #expect(spans.allSatisfy { span in span.attributes.values.allSatisfy { ($0.string ?? "").count <= 12 } })
        #expect(spans.allSatisfy { $0.resource["service.name"] == "frame-buffer" })
        #expect(
            traced.service.log.contains("http/protobuf is used instead") == (name == "grpc"),
            "\(traced.service.log)"
        )
    }

    @Test("An https receiver is trusted by the certificate that was named, and knows us by ours")
    func transportSecurity() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func file(_ name: String) -> String { folder.appendingPathComponent(name).path }
        for name in ["collector", "client"] {
            let run = try await CommandRun(
                URL(fileURLWithPath: "/usr/bin/env"),
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
                    + ["-days", "2", "-subj", "/CN=\(name)", "-addext", "subjectAltName=IP:127.0.0.1"]
                    + ["-keyout", file("\(name).key"), "-out", file("\(name).pem")]
            )
            try #require(run.exitCode == 0, "\(run.errors)")
        }
        let receiver = try await OTLPReceiver([
            "--certificate", file("collector.pem"), "--key", file("collector.key"), "--client-ca", file("client.pem"),
        ])
        let endpoint = ["OTEL_EXPORTER_OTLP_ENDPOINT": "https://127.0.0.1:\(receiver.port)"]
        let known = [
            "OTEL_EXPORTER_OTLP_CERTIFICATE": file("collector.pem"),
            "OTEL_EXPORTER_OTLP_CLIENT_KEY": file("client.key"),
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": file("client.pem"),
        ]
        let traced = try await TracedService(endpoint.merging(known) { $1 }, receiver: receiver)
        #expect(try await requests(of: traced).count >= 1)

        for missing in ["OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_KEY"] {
            var environment = endpoint.merging(known) { $1 }
            environment[missing] = ""
            environment["OTEL_EXPORTER_OTLP_TIMEOUT"] = "500"
            let refused = try await TracedService(environment, receiver: receiver)
            let taken = try await receiver.stats().accepted
            _ = try await refused.service.enqueue(#"{"frame_id":"f1"}"#)
            let isCounted = try await eventually(within: .seconds(30)) {
                let tracing = try await refused.service.get("/health").json()["checks"]?["tracing"]
                return tracing?["dropped_by"]?["unreachable"]?.integer == 2
            }
            #expect(isCounted, "\(missing): \(refused.service.log)")
            #expect(try await receiver.stats().accepted == taken)
            #expect(await refused.service.stop() == 0)
        }
    }

    /// Sends a frame through, and has the spans of it arrive.
    ///
    /// - Returns: the requests that brought them.
    private func requests(of traced: TracedService) async throws -> [OTLPReceiver.Request] {
        _ = try await traced.service.enqueue(#"{"frame_id":"f1 \"żółw\"","camera_id":"a camera of a long name"}"#)
        #expect(try await traced.service.dequeue() != nil)
        #expect(try await traced.finish().count == 4)
        let requests = try await traced.receiver.stats().requests
        #expect(!requests.isEmpty)
        return requests
    }
}
