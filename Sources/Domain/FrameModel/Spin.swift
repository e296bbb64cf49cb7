/// A rotation: a unit quaternion, `1 0 0 0` when there is nothing to turn.
public struct Spin: Sendable, Equatable {
    /// The real part.
    public let w: Float
    /// The first imaginary part.
    public let x: Float
    /// The second imaginary part.
    public let y: Float
    /// The third imaginary part.
    public let z: Float

    /// No rotation.
    public static let identity = Spin(w: 1, x: 0, y: 0, z: 0)

    /// Makes a rotation of parts that are already of length 1.
    public init(w: Float, x: Float, y: Float, z: Float) {
        self.w = w
        self.x = x
        self.y = y
        self.z = z
    }

    /// The rotation of an embedding: its projection onto four fixed directions, brought to length 1.
    ///
    /// The directions are random signs, so that near embeddings have near rotations (Johnson and Lindenstrauss; signs
    /// suffice by Achlioptas, 2003). They are part of the frame format: a change would turn every frame.
    public init(of embedding: [Float]) {
        var sum = SIMD4<Float>.zero
        for (value, signs) in zip(embedding, Self.projection) where value != 0 { sum += value * signs }
        let length = (sum * sum).sum().squareRoot()
        guard length.isFinite, length > .leastNormalMagnitude else {
            self = .identity
            return
        }
        let unit = sum / length
        self.init(w: unit.x, x: unit.y, y: unit.z, z: unit.w)
    }

    /// For each value of the embedding, its sign in each of the four directions.
    static let projection: [SIMD4<Float>] = {
        var generator = SplitMix64(state: 0x5350_494E)
        return (0..<Frame.dimensions).map { _ in
            let bits = generator.next()
            return SIMD4((0..<4).map { bits >> (60 + $0) & 1 == 1 ? 1 : -1 })
        }
    }()
}

/// The generator SplitMix64 (Steele, Lea, Flood, 2014), here because a table that is part of a format must not depend
/// on any other.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
