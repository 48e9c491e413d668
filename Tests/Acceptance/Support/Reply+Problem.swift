import Testing

extension Reply {
    /// Expects an RFC 9457 problem document of that status; returns it.
    @discardableResult
    func expectProblem(_ status: Int, sourceLocation: SourceLocation = #_sourceLocation) throws -> JSON {
        #expect(self.status == status, "\(text)", sourceLocation: sourceLocation)
        #expect(header("content-type") == "application/problem+json", sourceLocation: sourceLocation)
        let document = try #require(try? json(), "\(text)", sourceLocation: sourceLocation)
        #expect(document["status"]?.integer == self.status, "\(text)", sourceLocation: sourceLocation)
        #expect(document["type"]?.string?.isEmpty == false, "\(text)", sourceLocation: sourceLocation)
        #expect(document["title"]?.string?.isEmpty == false, "\(text)", sourceLocation: sourceLocation)
        #expect(document["detail"]?.string?.isEmpty == false, "\(text)", sourceLocation: sourceLocation)
        return document
    }
}
