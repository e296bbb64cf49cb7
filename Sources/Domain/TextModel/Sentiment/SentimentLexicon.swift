// The words and their valences are those of VADER (C. J. Hutto and Eric Gilbert, "VADER: A Parsimonious Rule-based
// Model for Sentiment Analysis of Social Media Text", ICWSM 2014), release 3.3.2, as far as they are three small
// letters or more and their mean rating is 0.4 or more; the words of negation are left out. They are used under this
// license:
//
// The MIT License (MIT)
//
// Copyright (c) 2016 C.J. Hutto
//
// Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
// documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
// rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to
// permit persons to whom the Software is furnished to do so, subject to the following conditions:
//
// The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
// Software.
//
// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
// WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
// COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
// OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

/// English words that people rated by how good or bad they sound, from −4 to 4.
struct SentimentLexicon: Sendable {
    static let shared = SentimentLexicon()

    private let valences: [UInt64: Float]
    private let negations: Set<UInt64>
    private let boosters: [UInt64: Float]

    /// What turns the sense of one of the three words behind it; `n't` is left of contractions as `t`.
    private static let negating = """
        not no never none nobody nothing neither nor nowhere without cannot hardly rarely seldom t
        """
    private static let strengthening = """
        very really extremely absolutely completely totally entirely deeply highly hugely incredibly especially so
        particularly remarkably thoroughly unusually utterly enormously exceptionally most more
        """
    private static let weakening =
        "slightly somewhat barely partly marginally occasionally almost less little kind sort"
    /// By how much a word makes the next stronger or weaker.
    private static let boost: Float = 0.293

    private init() {
        var valences: [UInt64: Float] = [:]
        for line in (Self.negative + "\n" + Self.positive).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let tenths = words.first.flatMap({ Int($0) }) else { continue }
            for word in words.dropFirst() { valences[Self.hash(word)] = Float(tenths) / 10 }
        }
        self.valences = valences
        negations = Set(Self.words(Self.negating))
        let strong = Self.words(Self.strengthening).map { ($0, Self.boost) }
        let weak = Self.words(Self.weakening).map { ($0, -Self.boost) }
        boosters = Dictionary(strong + weak) { first, _ in first }
    }

    /// How good or bad a word sounds; nil when nobody was asked.
    func valence(of word: UInt64) -> Float? { valences[word] }

    func isNegation(_ word: UInt64) -> Bool { negations.contains(word) }

    /// How much stronger the word makes what it stands before; 0 when it does not.
    func boost(of word: UInt64) -> Float { boosters[word] ?? 0 }

    private static func words(_ text: String) -> [UInt64] {
        text.split { $0 == " " || $0 == "\n" }.map { hash($0) }
    }

    private static func hash(_ word: Substring) -> UInt64 { WordHash(of: word.unicodeScalars.map(\.value)).mixed }
}
