import EventModel
import JSONTree

/// What a condition with one similarity would have made of past events, for every degree that could be asked of it.
///
/// The rest of the condition is either true of an event or not, whatever the degree; so one look at each event is
/// enough for all degrees.
public struct SimilarityCalibration: Sendable {
    /// Most events that are looked at.
    public static let maximumEvents = 20_000
    /// Most events that can be named as those that should match.
    public static let maximumPositives = 1_000

    /// One event that has been looked at.
    struct Sighting: Sendable {
        let event: EventReference
        let type: String
        /// Nil when there is no text to go by.
        let degree: Double?
        let whenNear: Bool
        let whenFar: Bool
    }

    private let condition: Condition
    private let similarity: Comparison
    private var sightings: [Sighting] = []

    /// Reads a condition, whose similarity may leave `at_least` out.
    ///
    /// - Throws: everything that is wrong with it; also when it has no similarity, or several, or remembers.
    public init(_ value: JSONValue, pointer: String) throws(JSONValidationError) {
        var reader = ConditionReader(allowsState: false)
        reader.isCalibrating = true
        let read = reader.read(value, pointer: pointer, depth: 1)
        guard let read, let condition = read.stateless, reader.problems.isEmpty else {
            throw JSONValidationError(reader.problems)
        }
        let similarities = read.similarities
        guard similarities.count == 1 else {
            throw JSONValidationError(
                pointer: pointer,
                detail: "must have one similar_to, whose degree is looked for; it has \(similarities.count)")
        }
        self.condition = condition
        similarity = similarities[0]
    }

    /// How many events were looked at.
    public var count: Int { sightings.count }

    /// Looks at an event.
    public mutating func take(_ event: ParsedEvent) {
        guard case .similar(let similar) = similarity.test else { return }
        var vectors = EventVectors()
        let degree = similar.degree(vectors.vector(of: event, for: similarity))
        let (whenNear, whenFar) = (isTrue(condition, of: event, near: true), isTrue(condition, of: event, near: false))
        sightings.append(
            Sighting(
                event: EventReference(event.event), type: event.event.type, degree: degree, whenNear: whenNear,
                whenFar: whenFar))
    }

    private func isTrue(_ condition: Condition, of event: ParsedEvent, near: Bool) -> Bool {
        switch condition {
        case .all(let parts): parts.allSatisfy { isTrue($0, of: event, near: near) }
        case .any(let parts): parts.contains { isTrue($0, of: event, near: near) }
        case .not(let part): !isTrue(part, of: event, near: near)
        case .leaf(let comparison): comparison.isSimilarity ? near : Condition.leaf(comparison).evaluate(event)
        }
    }
}

// MARK: - Results

extension SimilarityCalibration {
    /// What is asked of the result.
    public struct Goal: Sendable {
        /// How often it should fire in a day.
        public var perDay: Double?
        /// The events of which it should be true, and of no other.
        public var positives: Set<UniqueID> = []

        /// Asks for nothing.
        public init() {}
    }

    /// Shown of each threshold, on either side.
    private static let samples = 3
    private static let steps = stride(from: 5, through: 100, by: 5).map { Double($0) / 100 }

    /// Writes the members of the result: a row for each of 20 degrees, and the degree that meets the goal best.
    ///
    /// - Parameter days: how long the events took to come, in days.
    public func write(days: Double, goal: Goal, to writer: inout JSONWriter) {
        let curve = CalibrationCurve(sightings, positives: goal.positives)
        writer.member("comparable", sightings.count { $0.degree != nil })
        if !goal.positives.isEmpty { writer.member("positives_found", curve.wanted) }
        writer.key("thresholds")
        writer.array { rows in
            for threshold in Self.steps {
                let place = curve.place(of: threshold)
                rows.object { row in
                    Self.write(threshold, curve.point(at: place), days, goal, to: &row)
                    row.key("just_above")
                    Self.write(curve.ranked[..<place].suffix(Self.samples), to: &row)
                    row.key("just_below")
                    Self.write(curve.ranked[place...].prefix(Self.samples), to: &row)
                }
            }
        }
        writer.key("suggested")
        guard let best = Self.suggestion(curve, days, goal) else { return writer.null() }
        writer.object { Self.write(best, curve.point(at: curve.place(of: best)), days, goal, to: &$0) }
    }

    private static func write(
        _ threshold: Double, _ point: CalibrationCurve.Point, _ days: Double, _ goal: Goal, to row: inout JSONWriter
    ) {
        row.member("at_least", threshold)
        row.member("fires", point.fires)
        row.member("fires_per_day", rounded(Double(point.fires) / days))
        guard !goal.positives.isEmpty else { return }
        row.member("precision", rounded(point.precision))
        row.member("recall", rounded(point.recall))
        row.member("f1", rounded(point.f1))
    }

    /// With labels the degree of the best F1, the greatest of several; else the least that fires no more often than is
    /// wanted.
    private static func suggestion(_ curve: CalibrationCurve, _ days: Double, _ goal: Goal) -> Double? {
        if !goal.positives.isEmpty {
            return curve.thresholds.max {
                (curve.point(at: $0.place).f1, $0.threshold) < (curve.point(at: $1.place).f1, $1.threshold)
            }?.threshold
        }
        guard let perDay = goal.perDay else { return nil }
        return curve.thresholds.filter { Double(curve.point(at: $0.place).fires) / days <= perDay }
            .map(\.threshold).min()
    }

    private static func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }

    private static func write(_ sightings: ArraySlice<Sighting>, to writer: inout JSONWriter) {
        writer.array { list in
            for sighting in sightings {
                list.object {
                    $0.member("event_id", sighting.event.id.description)
                    $0.member("type", sighting.type)
                    $0.member("received_at", sighting.event.receivedAt.rfc3339)
                    $0.member("similarity", sighting.degree ?? 0)
                }
            }
        }
    }
}
