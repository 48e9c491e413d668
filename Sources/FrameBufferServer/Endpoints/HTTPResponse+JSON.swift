internal import FrameBuffer
internal import HTTPServer
internal import NIOHTTP1

extension HTTPResponse {
    /// A response that tells a number.
    init(_ name: StaticString, _ number: Int) {
        var json = JSONWriter()
        json.object { $0.member(name, number) }
        self.init(json: json)
    }

    /// A response in JSON that no cache keeps.
    init(json: consuming JSONWriter, status: HTTPResponseStatus = .ok) {
        self.init(status: status, headers: Self.jsonHeaders, body: json.finish())
    }

    private static let jsonHeaders: ResponseFields = ["Content-Type": "application/json", "Cache-Control": "no-store"]
}
