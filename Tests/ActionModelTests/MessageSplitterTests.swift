import Testing

@testable import ActionModel

@Suite("Long messages are split")
struct MessageSplitterTests {
    private func split(
        _ text: String, _ mode: TelegramAction.ParseMode? = nil, limit: Int = 20, parts: Int = 10
    ) -> [String] {
        MessageSplitter.split(text, mode, limits: Array(repeating: limit, count: parts))
    }

    @Test("At the end of a paragraph, else of a line, else of a word, else anywhere")
    func places() {
        #expect(split("one two\n\nthree four\nfive six seven") == ["one two\n\nthree four", "five six seven"])
        #expect(split("one two three\n\nfour five six") == ["one two three", "four five six"])
        #expect(split("one two three\nfour five six") == ["one two three", "four five six"])
        #expect(split("one two three four five six") == ["one two three four", "five six"])
        // A line so short that the message would be nearly empty is no place.
        #expect(split("a\nbcdef ghijkl mnopqrstuv") == ["a\nbcdef ghijkl", "mnopqrstuv"])
        #expect(split("abcdefghijklmnopqrstuvwxyz") == ["abcdefghijklmnopqrst", "uvwxyz"])
        #expect(split("short") == ["short"])
        #expect(split(" \n ") == [] && split("") == [])
    }

    @Test("A character is never cut, and counts as Telegram counts")
    func characters() {
        #expect(split("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", limit: 11) == ["👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦"])
        #expect(split("💶💶💶", limit: 5) == ["💶💶", "💶"])
    }

    @Test("Tags are closed before a cut and opened again behind it")
    func html() {
        #expect(
            split("<b>one two <i>three four</i></b> five", .html, limit: 24)
                == ["<b>one two</b>", "<b><i>three four</i></b>", "five"])
        #expect(
            split(#"<a href="https://e.com/?a>b">one two</a>"#, .html, limit: 38)
                == [#"<a href="https://e.com/?a>b">one</a>"#, #"<a href="https://e.com/?a>b">two</a>"#])
        #expect(
            split("<pre><code class=\"language-c\">int a;\nint b;</code></pre>", .html, limit: 50)
                == [
                    "<pre><code class=\"language-c\">int a;</code></pre>",
                    "<pre><code class=\"language-c\">int b;</code></pre>",
                ])
        #expect(split("&lt;&lt;&amp;&#39;&lt;", .html, limit: 10) == ["&lt;&lt;", "&amp;&#39;", "&lt;"])
    }

    @Test("Markers, escapes and links of MarkdownV2 stay whole")
    func markdown() {
        #expect(
            split("*one two _three four_* five", .markdownV2, limit: 14) == ["*one two*", "*_three four_*", "five"])
        #expect(
            split("__one two three__ ||four five||", .markdownV2, limit: 14) == [
                "__one two__", "__three__", "||four five||",
            ])
        #expect(split(#"\.\.\.\.\.\."#, .markdownV2, limit: 5) == [#"\.\."#, #"\.\."#, #"\.\."#])
        #expect(
            split(#"[one two](https://e.com/\)) x"#, .markdownV2, limit: 25)
                == [#"[one](https://e.com/\))"#, #"[two](https://e.com/\)) x"#])
        #expect(
            split("```c\nint a;\nint b;\n```", .markdownV2, limit: 16) == ["```c\nint a;\n```", "```c\nint b;\n```"])
        #expect(split("`a_b c*d`", .markdownV2, limit: 6) == ["`a_b`", "`c*d`"])
        #expect(split("![👍](tg://emoji?id=5) ok", .markdownV2, limit: 22) == ["![👍](tg://emoji?id=5)", "ok"])
        #expect(split(">one two three\n>four\nfive", .markdownV2, limit: 9) == [">one two", ">three", ">four", "five"])
        #expect(split("**>one\n>two||\nthree four", .markdownV2, limit: 15) == ["**>one\n>two||", "three four"])
    }

    @Test("What is not well formed is text, and is split all the same")
    func malformed() {
        #expect(split("a < b and c > d or e", .html, limit: 12) == ["a < b and c", "> d or e"])
        #expect(split("</b>one two three", .html, limit: 12) == ["</b>one two", "three"])
        #expect(split("*one [two three", .markdownV2, limit: 9) == ["*one*", "*[two*", "*three"])
        // A tag that no message could hold.
        #expect(split("<a href=\"\(String(repeating: "x", count: 40))\">one</a> two", .html) == ["one</a> two"])
    }

    @Test("What does not fit into the last part is left out, and said to be")
    func ellipsis() {
        #expect(split("<b>one two three four five</b>", .html, limit: 12, parts: 2) == ["<b>one</b>", "<b>two…</b>"])
        #expect(split("one two", limit: 7, parts: 1) == ["one two"])
        #expect(split("one two 3", limit: 7, parts: 1) == ["one…"])
    }

    @Test("Every part fits, is well formed when the text is, and no character is lost")
    func properties() {
        var generator = SplitMix(state: 11)
        for _ in 0..<300 {
            let tags = ["b", "i", "u", "code"]
            var text = ""
            var open: [String] = []
            for _ in 0..<Int.random(in: 1..<80, using: &generator) {
                switch Int.random(in: 0..<6, using: &generator) {
                case 0 where open.count < 3:
                    open.append(tags.randomElement(using: &generator) ?? "b")
                    text += "<\(open.last ?? "b")>"
                case 1: if let tag = open.popLast() { text += "</\(tag)>" }
                case 2: text += "\n"
                case 3: text += "&amp;"
                default: text += "w\(Int.random(in: 0..<1000, using: &generator)) "
                }
            }
            while let tag = open.popLast() { text += "</\(tag)>" }
            let parts = split(text, .html, limit: 60, parts: 100)
            #expect(parts.allSatisfy { $0.utf16.count <= 60 && isBalanced($0) }, "\(text)")
            #expect(letters(parts.joined()) == letters(text))
        }
    }

    private func letters(_ text: String) -> String {
        text.replacing(/<[^>]*>/, with: "").filter { !$0.isWhitespace }
    }

    private func isBalanced(_ text: String) -> Bool {
        var open: [Substring] = []
        for tag in text.matches(of: /<(\/?)([a-z]+)>/) {
            if tag.1.isEmpty {
                open.append(tag.2)
            } else if open.popLast() != tag.2 {
                return false
            }
        }
        return open.isEmpty
    }
}
