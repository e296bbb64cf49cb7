/// The natural logarithm, which Swift's own library lacks; it would come with Foundation, which the domain does
/// without.
enum Logarithm {
    private static let ofTwo = 0.693_147_180_559_945_309_417

    /// ln of a positive finite number, to within some units in the last place.
    ///
    /// x = m · 2ᵉ with m between √½ and √2; ln m = 2 artanh s = 2 (s + s³/3 + s⁵/5 + …) with s = (m − 1) / (m + 1). As
    /// |s| < 0.172, eleven terms leave less than 10⁻¹⁸.
    static func natural(_ x: Double) -> Double {
        var exponent = Double(x.exponent)
        var significand = x.significand
        if significand > Double(2).squareRoot() {
            significand /= 2
            exponent += 1
        }
        let s = (significand - 1) / (significand + 1)
        var sum = 0.0
        for term in stride(from: 21.0, through: 1, by: -2) { sum = sum * s * s + 1 / term }
        return exponent * ofTwo + 2 * s * sum
    }
}
