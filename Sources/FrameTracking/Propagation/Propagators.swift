/// What is read from requests and frames, and written to them, so that traces go on; all of it unless told otherwise.
package struct Propagators: OptionSet, Hashable, Sendable {
    /// One bit each.
    package let rawValue: UInt8

    /// Those whose bits are set.
    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// W3C Trace Context.
    package static let traceContext = Propagators(rawValue: 1)
    /// W3C Baggage.
    package static let baggage = Propagators(rawValue: 2)

    /// All of them.
    package static let all: Propagators = [.traceContext, .baggage]
}
