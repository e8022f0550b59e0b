//! How long a text is for a model, without its tokenizer.

/// The most bytes of UTF-8 that count as one token.
pub const BYTES_PER_TOKEN: usize = 4;

/// The longest run of letters that passes for a word.
const LONGEST_WORD: usize = 20;

/// An estimate of the tokens in `text`, rather too many than too few.
///
/// A token of the common tokenizers is about four characters of English prose. What a tokenizer has seldom seen takes more: two
/// characters of hexadecimal digits and one and a half of base64, one digit where a tokenizer does not group them (Qwen,
/// Gemini), two Cyrillic letters, less than one Chinese character, and a script that it hardly knows a token for each byte, which
/// is the most that any takes. Each kind is counted with what the least apt of the common tokenizers needs for it (cl100k for
/// scripts, those without groups for digits).
pub fn estimate_tokens(text: &str) -> u64 {
    let mut quarters = 0;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_part_of_run = |c: char| c.is_ascii_alphanumeric();
        let length = match is_part_of_run(first) {
            true => rest.find(|c| !is_part_of_run(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (run, after) = rest.split_at(length);
        quarters += if is_part_of_run(first) { quarters_of_run(run) } else { quarters_of(first, after) };
        rest = after;
    }
    quarters.div_ceil(4)
}

/// Letters and digits side by side, in quarters of a token.
fn quarters_of_run(run: &str) -> u64 {
    let count = |is: fn(&u8) -> bool| run.bytes().filter(is).count() as u64;
    let digits = count(u8::is_ascii_digit);
    let letters = run.len() as u64 - digits;
    let per_letter = if digits == 0 && is_a_word(run) { 1 } else { 3 };
    digits * 4 + letters * per_letter
}

/// True where letters look like a word: not too long, hardly ever upper case after lower case, and with vowels.
fn is_a_word(letters: &str) -> bool {
    let bytes = letters.as_bytes();
    let humps = bytes.windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase()).count();
    let vowels = bytes.iter().filter(|byte| b"aeiouyAEIOUY".contains(byte)).count();
    let is_short = bytes.len() <= 3;
    bytes.len() <= LONGEST_WORD && humps <= bytes.len() / 5 && (is_short || vowels * 5 >= bytes.len())
}

/// A character that is no letter or digit of English, in quarters of a token. `after` is what follows.
fn quarters_of(character: char, after: &str) -> u64 {
    match character {
        // One that is repeated (blanks, rules of tables) goes into one token with the next.
        ' ' => 1,
        '\0'..='\u{7f}' if after.starts_with(character) => 1,
        '\0'..='\u{7f}' => 4,
        // Latin, Greek, Cyrillic.
        '\u{80}'..='\u{52f}' => 3,
        // Hebrew, Arabic.
        '\u{590}'..='\u{6ff}' => 4,
        // Other scripts of two bytes.
        '\u{530}'..='\u{7ff}' => 8,
        // The scripts of India, Thai, Lao.
        '\u{900}'..='\u{eff}' => 8,
        // Dashes and quotation marks.
        '\u{2010}'..='\u{2027}' => 4,
        // Chinese, Japanese, Korean.
        '\u{3000}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{ff00}'..='\u{ffef}' => 5,
        // A token for each byte.
        other => other.len_utf8() as u64 * 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that `text` counts as `from` to `to` tokens for each hundred of its characters.
    fn check(text: &str, from: u64, to: u64) {
        let rate = estimate_tokens(text) * 100 / text.chars().count() as u64;
        assert!((from..=to).contains(&rate), "{rate} tokens for 100 characters of {text:?}");
    }

    #[test]
    fn prose_takes_a_token_for_four_characters() {
        check("The quick brown fox jumps over the lazy dog, and nobody in the whole village was surprised.", 24, 32);
        check("Please summarize the attached report in three sentences for a reader without background.", 24, 30);
        // German: cl100k takes 31 for 100 characters.
        check("Der Ausschuss hat den Entwurf nach kurzer Beratung ohne Änderungen angenommen.", 24, 34);
    }

    #[test]
    fn what_tokenizers_hardly_know_takes_more() {
        check("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 55, 100);
        check("deadbeefcafebabedeadbeefcafebabe", 50, 100);
        check("TWFuIGlzIGRpc3Rpbmd1aXNoZWQsIG5vdCBvbmx5IGJ5IGhpcyByZWFzb24sIGJ1dCBieSB0aGlz", 65, 100);
        check("xkqzwvbn plmrtgfd qwrtzpsd", 60, 80);
        check("3141592653589793238462643383279502884197", 100, 100);
        check("Съешь же ещё этих мягких французских булок", 60, 80);
        check("快速的棕色狐狸跳过了懒狗", 110, 130);
        check("ሰላም ለዓለም", 230, 310);
        check("བོད་སྐད", 300, 300);
        check("🌍🌍", 200, 400);
        check(r#"{"a":1,"b":[2,3]}"#, 70, 110);
    }

    #[test]
    fn an_estimate_is_never_below_a_token_for_four_bytes_and_never_above_one_for_a_byte() {
        for text in
            ["", "a", "four", "fives", "a b c", "你好世界", "🌍🌍", "    \n\n\n\t", "-----", "ሰ", "é", "\u{0}\u{7f}"]
        {
            let (tokens, bytes) = (estimate_tokens(text), text.len());
            assert!((bytes.div_ceil(BYTES_PER_TOKEN)..=bytes).contains(&(tokens as usize)), "{text:?}: {tokens}");
        }
    }
}
