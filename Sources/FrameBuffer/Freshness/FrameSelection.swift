/// Which of the frames that wait a caller wants.
package struct FrameSelection: Sendable {
    /// How old a frame may be that is handed out; an older one expires. nil: as old as it likes.
    package var maxAge: Duration?
    /// Whether only the newest frame of each camera is handed out; older ones are superseded.
    package var isLatest: Bool

    /// A selection; without arguments the next frame, whatever it is.
    package init(maxAge: Duration? = nil, isLatest: Bool = false) {
        self.maxAge = maxAge
        self.isLatest = isLatest
    }

    /// How old a frame may be said to be.
    package static let ages = Duration.milliseconds(1) ... .seconds(86_400)
}
