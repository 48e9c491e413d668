internal import FrameTracking
internal import RedisClient

/// Who has to do with a queue: groups, holders of leases, cameras; and what became of frames that nobody got.
package struct QueueDetail: Sendable {
    /// A consumer group on the stream.
    package struct Group: Sendable {
        /// Its name.
        package let name: String
        /// How many Redis consumers it has: ours are blocking connections, not workers.
        package let consumers: Int
        /// Handed out and not acknowledged.
        package let pending: Int
        /// The message id up to which it was handed all.
        package let lastDeliveredID: String
        /// How many entries it was not handed yet; nil where Redis does not know.
        package let lag: Int?
    }

    /// Who holds leases.
    package struct Consumer: Sendable {
        /// What it called itself, or else its address; nil where that was forgotten.
        package let label: String?
        /// Its leases among those that are listed, in the order of their ends.
        package internal(set) var leases: [Lease]
    }

    /// A lease that was given and has not ended.
    package struct Lease: Sendable {
        /// Its frame's message id.
        package let messageID: StreamID
        /// Its frame's id.
        package let frameID: String?
        /// Its frame's trace, as 32 hexadecimal digits.
        package let traceID: String?
        /// How often the frame was delivered, this time included; nil where that was forgotten.
        package let deliveries: Int?
        /// How long until its end, in milliseconds; 0 for one whose frame is about to be returned.
        package let expiresIn: Int
        /// Whether its holder handed the frame back, and it ends with the delay that was asked for.
        package let isNacked: Bool
        /// Why, where that was said.
        package let reason: String?
    }

    /// A camera that sent something.
    package struct Camera: Sendable {
        /// Its id.
        package let id: String
        /// Message id and frame id of the last frame that was enqueued; nil where it was forgotten.
        package internal(set) var last: (messageID: StreamID, frameID: String)?
        /// What became of its frames that nobody got.
        package internal(set) var losses = Losses()
    }

    /// How many frames nobody got, and why.
    package struct Losses: Sendable {
        /// They made room for newer ones.
        package internal(set) var dropped = 0
        /// They were too old.
        package internal(set) var expired = 0
        /// There was a newer one.
        package internal(set) var superseded = 0

        /// One of them by its name in `counters`.
        fileprivate static func named(_ name: Substring) -> WritableKeyPath<Losses, Int>? {
            switch name {
            case "dropped": \.dropped
            case "expired": \.expired
            case "superseded": \.superseded
            default: nil
            }
        }
    }

    /// All groups on the stream.
    package let groups: [Group]
    /// How many leases there are.
    package let leases: Int
    /// Who holds them, whose end comes first before others.
    package private(set) var consumers: [Consumer] = []
    /// By their ids.
    package private(set) var cameras: [Camera] = []
    /// Of all cameras together, and of frames without one.
    package private(set) var losses = Losses()
    /// How many frames others took out of the stream while they were in hand or had been returned.
    package private(set) var trimmed = 0

    /// How many leases are listed: those that end first.
    package var leasesListed: Int { consumers.reduce(0) { $0 + $1.leases.count } }
}

// MARK: - From Redis

extension QueueDetail {
    /// Reads what ``LookScripts/detail`` returns; nil if it is not that.
    init?(_ value: RedisValue) {
        guard let now = value[0]?.integer, let groups = value[1], let count = value[2]?.integer, let leases = value[3],
            let cameras = value[4], let counters = value[5]
        else { return nil }
        self.groups = (0..<groups.count).compactMap { groups[$0].flatMap(Group.init) }
        self.leases = count
        read(leases: leases, now: now)
        read(cameras: cameras, counters: counters)
    }

    private mutating func read(leases: RedisValue, now: Int) {
        var places: [String?: Int] = [:]
        for index in 0..<leases.count {
            guard let entry = leases[index], let id = entry[0]?.withBytes({ StreamID($0) }), let id else { continue }
            let record = entry[2]?.string.map(HeldRecord.init)
            let lease = Lease(id, end: entry[1]?.integer ?? now, record, now: now)
            let label = record?.label
            if let place = places[label] {
                consumers[place].leases.append(lease)
            } else {
                places[label] = consumers.count
                consumers.append(Consumer(label: label, leases: [lease]))
            }
        }
    }

    private mutating func read(cameras: RedisValue, counters: RedisValue) {
        var found: [String: Camera] = [:]
        for index in stride(from: 0, to: cameras.count, by: 2) {
            guard let camera = cameras[index]?.string, let frame = cameras[index + 1]?.string else { continue }
            let words = frame.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
            guard words.count == 2, let id = StreamID(String(words[0])) else { continue }
            found[camera] = Camera(id: camera, last: (id, String(words[1])))
        }
        for index in stride(from: 0, to: counters.count, by: 2) {
            guard let name = counters[index]?.string, let count = counters[index + 1]?.integer else { continue }
            let words = name.split(separator: " ", maxSplits: 1)
            if let loss = words.first.flatMap(Losses.named) {
                if words.count == 1 {
                    // With a blank behind it, it is that of the frames without a camera.
                    if name == words[0] { losses[keyPath: loss] = count }
                } else {
                    let camera = String(words[1])
                    found[camera, default: Camera(id: camera)].losses[keyPath: loss] = count
                }
            } else if name == "trimmed" {
                trimmed = count
            }
        }
        self.cameras = found.values.sorted { $0.id < $1.id }
    }
}

extension QueueDetail.Group {
    fileprivate init?(_ value: RedisValue) {
        guard let name = value[0]?.string, let consumers = value[1]?.integer, let pending = value[2]?.integer,
            let last = value[3]?.string
        else { return nil }
        self.init(name: name, consumers: consumers, pending: pending, lastDeliveredID: last, lag: value[4]?.integer)
    }
}

extension QueueDetail.Lease {
    fileprivate init(_ id: StreamID, end: Int, _ record: HeldRecord?, now: Int) {
        messageID = id
        frameID = record?.frameID
        let context = CarriedContext(traceparent: record?.traceparent, tracestate: nil).flatMap(FrameSpans.context)
        traceID = context?.traceID.hex
        deliveries = record?.deliveries
        expiresIn = max(0, end - now)
        isNacked = record?.isNacked ?? false
        reason = record?.reason
    }
}

/// What `held` says of a leased frame, in the form that the scripts write it (`QueueScripts`).
private struct HeldRecord {
    let deliveries: Int?
    let isNacked: Bool
    let label: String?
    let reason: String?
    let traceparent: String?
    let frameID: String?

    init(_ text: String) {
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), maxSplits: 4, omittingEmptySubsequences: false)
        let numbers = lines[0].split(separator: UInt8(ascii: " "))
        deliveries = numbers.first.flatMap { Int(String(Substring($0))) }
        isNacked = numbers.count > 4 && numbers[4].elementsEqual("1".utf8)
        func line(_ index: Int) -> String? {
            lines.indices.contains(index) && !lines[index].isEmpty ? String(Substring(lines[index])) : nil
        }
        label = line(1)
        reason = line(2)
        traceparent = line(3)
        frameID = line(4)
    }
}
