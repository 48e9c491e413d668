package import FrameBuffer
internal import HTTPServer
internal import NIOHTTP1

/// The queues that one event loop serves.
package struct Queues: Sendable {
    /// All of them; the first is the one of requests that name none.
    let all: [FrameBuffer]

    /// - Parameter all: the queues; never none.
    package init(_ all: [FrameBuffer]) {
        self.all = all
    }

    /// The queue that a request means; a name that is not configured is 404.
    func queue(of request: HTTPRequest) throws(HTTPProblem) -> FrameBuffer {
        guard !request.query.isEmpty, let name = request.query["queue"] else { return all[0] }
        guard let queue = all.first(where: { $0.configuration.name == name }) else {
            throw HTTPProblem(
                .notFound,
                detail: "there is no queue of this name; FRAMEBUFFER_QUEUES lists those there are"
            )
        }
        return queue
    }
}
