import EventModel

/// How often a condition is true, by the degree that is asked of its similarity.
struct CalibrationCurve {
    /// What comes of one degree.
    struct Point {
        let fires: Int
        /// How many of those are wanted.
        let right: Int
        /// How many are wanted at all.
        let wanted: Int

        var precision: Double { fires == 0 ? 0 : Double(right) / Double(fires) }
        var recall: Double { wanted == 0 ? 0 : Double(right) / Double(wanted) }
        /// The harmonic mean of the two.
        var f1: Double { right == 0 ? 0 : 2 * precision * recall / (precision + recall) }
    }

    /// The events for which the degree decides, the nearest first.
    let ranked: [SimilarityCalibration.Sighting]
    /// How many events are wanted.
    let wanted: Int
    /// When the first so many of the ranked are near enough.
    private var points: [Point] = []

    init(_ sightings: [SimilarityCalibration.Sighting], positives: Set<UniqueID>) {
        ranked = sightings.filter { $0.degree != nil && $0.whenNear != $0.whenFar }
            .sorted { ($0.degree ?? 0) > ($1.degree ?? 0) }
        let wanted = sightings.count { positives.contains($0.event.id) }
        self.wanted = wanted
        // To begin with none is near enough.
        var fires = sightings.count(where: \.whenFar)
        var right = sightings.count { $0.whenFar && positives.contains($0.event.id) }
        points.append(Point(fires: fires, right: right, wanted: wanted))
        for sighting in ranked {
            let change = sighting.whenNear ? 1 : -1
            fires += change
            right += positives.contains(sighting.event.id) ? change : 0
            points.append(Point(fires: fires, right: right, wanted: wanted))
        }
    }

    /// How many of the ranked have at least a degree.
    func place(of degree: Double) -> Int {
        var (low, high) = (0, ranked.count)
        while low < high {
            let middle = (low + high) / 2
            if (ranked[middle].degree ?? 0) >= degree { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func point(at place: Int) -> Point { points[place] }

    /// One threshold for each different place: between two degrees that occur nothing changes.
    var thresholds: [(threshold: Double, place: Int)] {
        var found = (ranked.first?.degree ?? 0) < 1 ? [(threshold: 1.0, place: 0)] : []
        for place in ranked.indices {
            let degree = ranked[place].degree ?? 0
            let next = place + 1 < ranked.count ? max(0, ranked[place + 1].degree ?? 0) : 0
            guard degree > next else { continue }
            found.append((threshold: Self.between(next, degree), place: place + 1))
        }
        return found
    }

    /// A number of few digits above the one and not above the other.
    private static func between(_ low: Double, _ high: Double) -> Double {
        for scale in [10.0, 100, 1_000, 10_000] {
            let rounded = (high * scale).rounded(.down) / scale
            if rounded > low { return rounded }
        }
        return high
    }
}
