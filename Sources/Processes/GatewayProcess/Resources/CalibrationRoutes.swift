import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree
import Runtime
import Synchronization
import TriggerEngine

/// How near is near enough: what a condition with a similarity would have been true of, for every degree.
///
/// It reads back from the end of the time that is asked about, as far as its bounds allow, and says how far it came. A
/// gateway works on a few at a time, because each is work for seconds.
struct CalibrationRoutes: Sendable {
    /// Events of one read; between two reads others have their turn.
    private static let page = 1_000
    /// For how long events are read and compared.
    private static let time = Duration.seconds(4)

    let events: EventReader
    private let room = CalibrationRoom()

    init(events: EventReader) {
        self.events = events
    }

    func add(to routes: inout RouteTable) {
        routes.on(.post, "/api/v1/triggers/calibrate", scope: .triggersRead, use: calibrate)
    }

    /// Takes `{"condition", "from", "to"?, "event_types"?, "target_per_day" | "positives"?}`.
    @Sendable func calibrate(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        try context.require(.eventsRead)
        try request.requireJSON()
        let document = try JSONDocument(try await request.readBody(.single, context: context))
        var reader = ObjectReader(document.root, pointer: "")
        let order = CalibrationOrder(&reader)
        try reader.finish()
        guard let order else { throw Problem(.internalError, "the request has no condition") }
        let organization = try context.authenticated().organizationID
        guard room.enter() else {
            throw Problem(
                .overloaded, "\(CalibrationRoom.places) calibrations are under way; send again later",
                headers: [.retryAfter: "4"])
        }
        defer { room.leave() }
        let history = try await read(order, organization)
        return .json { history.write(order.goal, to: &$0) }
    }

    private func read(_ order: CalibrationOrder, _ organization: UniqueID) async throws -> CalibrationHistory {
        var history = CalibrationHistory(calibration: order.calibration, from: order.from, to: order.to)
        let end = ContinuousClock.now + Self.time
        var position: Int64?
        while history.calibration.count < SimilarityCalibration.maximumEvents, ContinuousClock.now < end {
            let page = try await events.newest(
                from: order.from, to: order.to, types: order.literalTypes, before: position, limit: Self.page,
                organizationID: organization)
            history.take(page.filter { event in order.takes(event.type) })
            guard page.count == Self.page, let oldest = page.last else { return history }
            position = oldest.position
            history.readFrom = oldest.receivedAt
        }
        history.isComplete = false
        return history
    }
}

/// How many calibrations are under way.
final class CalibrationRoom: Sendable {
    static let places = 2

    private let taken = Mutex(0)

    func enter() -> Bool {
        taken.withLock { taken in
            guard taken < Self.places else { return false }
            taken += 1
            return true
        }
    }

    func leave() { taken.withLock { $0 -= 1 } }
}

/// What is asked.
private struct CalibrationOrder {
    let calibration: SimilarityCalibration
    let from: Timestamp
    let to: Timestamp
    let goal: SimilarityCalibration.Goal
    private let types: [Glob]

    /// - Returns: nil when something is wrong, which the reader has been told.
    init?(_ reader: inout ObjectReader) {
        let calibration = reader.member("condition", required: true).flatMap { condition in
            reader.attempt { () throws(JSONValidationError) -> SimilarityCalibration in
                try SimilarityCalibration(condition, pointer: "/condition")
            }
        }
        let now = Timestamp.now()
        let from = reader.time("from", required: true)
        to = min(now, reader.time("to") ?? now)
        if let from, from >= to { reader.refuse("from", "must be before to, and in the past") }
        let types = reader.array("event_types", count: 0...TriggerDefinition.maximumEventTypes) ?? []
        self.types = types.compactMap { element, place in
            reader.attempt { () throws(JSONValidationError) -> Glob in
                guard let text = element.string else {
                    throw JSONValidationError(pointer: place, detail: "must be a string")
                }
                return try Glob(text, pointer: place)
            }
        }
        goal = Self.readGoal(&reader)
        guard let calibration, let from else { return nil }
        self.calibration = calibration
        self.from = from
    }

    private static func readGoal(_ reader: inout ObjectReader) -> SimilarityCalibration.Goal {
        var goal = SimilarityCalibration.Goal()
        if let member = reader.member("target_per_day") {
            if let rate = member.double, rate >= 0, rate.isFinite {
                goal.perDay = rate
            } else {
                reader.refuse("target_per_day", "must be a number, 0 or more")
            }
        }
        let labels = reader.array("positives", count: 1...SimilarityCalibration.maximumPositives) ?? []
        for (element, place) in labels {
            let id = reader.attempt { () throws(JSONValidationError) -> UniqueID in
                guard let id = element.string.flatMap({ UniqueID($0) }) else {
                    throw JSONValidationError(pointer: place, detail: "must be the id of an event")
                }
                return id
            }
            if let id { goal.positives.insert(id) }
        }
        if goal.perDay != nil, !labels.isEmpty { reader.refuse("positives", "can't stand beside target_per_day") }
        return goal
    }

    /// The types, where each is named.
    var literalTypes: [String]? {
        let literals = types.compactMap(\.literal).map { String(decoding: $0, as: UTF8.self) }
        return types.isEmpty || literals.count < types.count ? nil : literals
    }

    func takes(_ type: String) -> Bool { types.isEmpty || types.contains { $0.matches(type) } }
}

/// What has been read.
private struct CalibrationHistory {
    private(set) var calibration: SimilarityCalibration
    let from: Timestamp
    let to: Timestamp
    /// How far back it was read, when not to the beginning.
    var readFrom: Timestamp
    var isComplete = true

    init(calibration: SimilarityCalibration, from: Timestamp, to: Timestamp) {
        self.calibration = calibration
        self.from = from
        self.to = to
        readFrom = to
    }

    mutating func take(_ events: [Event]) {
        // What can't be read live evaluation has passed over too.
        for event in events { if let parsed = try? ParsedEvent(event) { calibration.take(parsed) } }
    }

    func write(_ goal: SimilarityCalibration.Goal, to body: inout JSONWriter) {
        let begin = isComplete ? from : readFrom
        // A time of no length would have no rate.
        let days = max(1, Double(to.microseconds) - Double(begin.microseconds)) / (86_400 * 1_000_000)
        body.member("complete", isComplete)
        body.member("read_from", begin.rfc3339)
        body.member("read_to", to.rfc3339)
        body.member("evaluated", calibration.count)
        calibration.write(days: days, goal: goal, to: &body)
    }
}
