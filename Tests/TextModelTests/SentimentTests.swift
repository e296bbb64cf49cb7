import JSONTree
import Testing
import TextModel

@Suite("The sentiment of words")
struct SentimentTests {
    private func score(_ text: String) throws -> Float? {
        var writer = JSONWriter()
        writer.object { $0.member("text", text) }
        return SentimentScorer().score(try JSONDocument(writer.bytes).root)
    }

    @Test(
        "What sounds good is above 0 and what sounds bad below",
        arguments: [
            ("Thank you, this is a great product and I love it", true),
            ("I am very happy with the support", true),
            ("This is terrible, the app crashed and I am angry", false),
            ("payment failed, customer frustrated", false),
        ])
    func sign(text: String, isGood: Bool) throws {
        let score = try #require(try score(text))
        #expect(isGood ? score > 0.3 : score < -0.3)
    }

    @Test("A text without a word that people were asked about has none", arguments: ["", "the table is brown", "42"])
    func none(text: String) throws {
        #expect(try score(text) == nil)
    }

    @Test("Negation turns a word, strengthening makes it stronger and weakening weaker")
    func rules() throws {
        let good = try #require(try score("the answer was good"))
        #expect(try #require(try score("the answer was not good")) < 0)
        #expect(try #require(try score("the answer wasn't good")) < 0)
        #expect(try #require(try score("the answer was not so very good")) < 0)
        #expect(try #require(try score("the answer was very good")) > good)
        #expect(try #require(try score("the answer was slightly good")) < good)
        let bad = try #require(try score("bad"))
        #expect(try #require(try score("very bad")) < bad)
    }

    @Test("What one text negates does not reach into the next")
    func textsAreApart() throws {
        let apart = try JSONDocument(#"{"a": "is it? not", "b": "good"}"#).root
        #expect(try #require(SentimentScorer().score(apart)) > 0)
    }

    @Test("The score stays within −1 and 1, and depends on neither case nor order of members")
    func bounds() throws {
        #expect(try #require(try score(String(repeating: "horrible ", count: 400))) >= -1)
        #expect(try score("GREAT Success") == score("great success"))
    }

    @Test("These values never change: frames that are written again are the same")
    func isFixed() throws {
        #expect(abs(try #require(try score("The service was not very good, but the food is great")) - 0.3564) < 0.0005)
    }
}
