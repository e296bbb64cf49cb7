import JSONTree

extension SuiteCase {
    /// The suite leaves these to the parser; ours takes those with nil and refuses the others with the code.
    static let undecided: [(SuiteCase, JSONError.Code?)] = [
        (SuiteCase("i_number_double_huge_neg_exp", "[123.456e-789]"), .exponent),
        (
            SuiteCase(
                "i_number_huge_exp",
                "[0.4e0066999999999999999999999999999999999999999999999999999999999999999999999999999969999999]"),
            .exponent
        ),
        (SuiteCase("i_number_neg_int_huge_exp", "[-1e+9999]"), .exponent),
        (SuiteCase("i_number_pos_double_huge_exp", "[1.5e+9999]"), .exponent),
        (SuiteCase("i_number_real_neg_overflow", "[-123123e100000]"), .exponent),
        (SuiteCase("i_number_real_pos_overflow", "[123123e100000]"), .exponent),
        (SuiteCase("i_number_real_underflow", "[123e-10000000]"), .exponent),
        (SuiteCase("i_number_too_big_neg_int", "[-123123123123123123123123123123]"), nil),
        (SuiteCase("i_number_too_big_pos_int", "[100000000000000000000]"), nil),
        (SuiteCase("i_number_very_big_negative_int", "[-237462374673276894279832749832423479823246327846]"), .digits),
        (SuiteCase("i_object_key_lone_2nd_surrogate", #"{"\uDFAA":0}"#), .loneSurrogate),
        (SuiteCase("i_string_1st_surrogate_but_2nd_missing", #"["\uDADA"]"#), .loneSurrogate),
        (SuiteCase("i_string_1st_valid_surrogate_2nd_invalid", #"["\uD888\u1234"]"#), .loneSurrogate),
        (
            SuiteCase(
                "i_string_UTF-16LE_with_BOM",
                "", [0xFF, 0xFE, 0x5B, 0x00, 0x22, 0x00, 0xE9, 0x00, 0x22, 0x00, 0x5D, 0x00], ""),
            .byteOrderMark
        ),
        (SuiteCase("i_string_UTF-8_invalid_sequence", #"["\#u{65E5}\#u{448}"#, [0xFA], #""]"#), .utf8),
        (SuiteCase("i_string_UTF8_surrogate_U+D800", #"[""#, [0xED, 0xA0, 0x80], #""]"#), .utf8),
        (SuiteCase("i_string_incomplete_surrogate_and_escape_valid", #"["\uD800\n"]"#), .loneSurrogate),
        (SuiteCase("i_string_incomplete_surrogate_pair", #"["\uDd1ea"]"#), .loneSurrogate),
        (SuiteCase("i_string_incomplete_surrogates_escape_valid", #"["\uD800\uD800\n"]"#), .loneSurrogate),
        (SuiteCase("i_string_invalid_lonely_surrogate", #"["\ud800"]"#), .loneSurrogate),
        (SuiteCase("i_string_invalid_surrogate", #"["\ud800abc"]"#), .loneSurrogate),
        (SuiteCase("i_string_invalid_utf-8", #"[""#, [0xFF], #""]"#), .utf8),
        (SuiteCase("i_string_inverted_surrogates_U+1D11E", #"["\uDd1e\uD834"]"#), .loneSurrogate),
        (SuiteCase("i_string_iso_latin_1", #"[""#, [0xE9], #""]"#), .utf8),
        (SuiteCase("i_string_lone_second_surrogate", #"["\uDFAA"]"#), .loneSurrogate),
        (SuiteCase("i_string_lone_utf8_continuation_byte", #"[""#, [0x81], #""]"#), .utf8),
        (SuiteCase("i_string_not_in_unicode_range", #"[""#, [0xF4, 0xBF, 0xBF, 0xBF], #""]"#), .utf8),
        (SuiteCase("i_string_overlong_sequence_2_bytes", #"[""#, [0xC0, 0xAF], #""]"#), .utf8),
        (SuiteCase("i_string_overlong_sequence_6_bytes", #"[""#, [0xFC, 0x83, 0xBF, 0xBF, 0xBF, 0xBF], #""]"#), .utf8),
        (
            SuiteCase(
                "i_string_overlong_sequence_6_bytes_null",
                #"[""#, [0xFC, 0x80, 0x80, 0x80, 0x80, 0x80], #""]"#),
            .utf8
        ),
        (SuiteCase("i_string_truncated-utf-8", #"[""#, [0xE0, 0xFF], #""]"#), .utf8),
        (
            SuiteCase("i_string_utf16BE_no_BOM", #"\#u{0}[\#u{0}"\#u{0}"#, [0xE9, 0x00, 0x22, 0x00], "]"),
            .controlCharacter
        ),
        (
            SuiteCase(
                "i_string_utf16LE_no_BOM",
                #"[\#u{0}"\#u{0}"#, [0xE9, 0x00, 0x22, 0x00, 0x5D, 0x00], ""),
            .controlCharacter
        ),
        (SuiteCase("i_structure_UTF-8_BOM_empty_object", "\u{FEFF}{}"), .byteOrderMark),
        (SuiteCase("i_structure_500_nested_arrays", nested(500)), .depth),
    ]

    /// The suite wants these taken; SAFETY.md refuses them, because jsonb drops or can't store what they say.
    static let overruled: [(SuiteCase, JSONError.Code)] = [
        (SuiteCase("y_object_duplicated_key", #"{"a":"b","a":"c"}"#), .duplicateKey),
        (SuiteCase("y_object_duplicated_key_and_value", #"{"a":"b","a":"b"}"#), .duplicateKey),
        (SuiteCase("y_object_escaped_null_in_key", #"{"foo\u0000bar": 42}"#), .nulCharacter),
        (SuiteCase("y_string_null_escape", #"["\u0000"]"#), .nulCharacter),
    ]

    static func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
}
