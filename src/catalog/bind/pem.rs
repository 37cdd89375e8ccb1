//! PEM texts as appliances take them.

/// The blocks of a PEM text alone: what stands before, between and behind them (the attributes that
/// tools print there) is cut off, and lines end as they should. `None` if there is no whole block.
pub fn clean(text: &str) -> Option<String> {
    let mut blocks = String::new();
    let mut end: Option<String> = None;
    for line in text.lines().map(str::trim) {
        match &end {
            None => {
                let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) else {
                    continue;
                };
                end = Some(format!("-----END {label}-----"));
                push(&mut blocks, line);
            }
            Some(wanted) => {
                push(&mut blocks, line);
                if line == wanted {
                    end = None;
                }
            }
        }
    }
    (end.is_none() && !blocks.is_empty()).then_some(blocks)
}

fn push(text: &mut String, line: &str) {
    if !line.is_empty() {
        text.push_str(line);
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn only_the_blocks_are_left() {
        let text = "Bag Attributes\r\n    friendlyName: x\r\n-----BEGIN CERTIFICATE-----\r\nMIIB\r\n-----END CERTIFICATE-----\r\nnoise\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
        assert_eq!(
            clean(text).unwrap(),
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        );
    }

    #[test]
    fn a_text_without_a_whole_block_is_none() {
        for text in ["", "x", "-----BEGIN X-----\nAAAA", "-----END X-----", "-----BEGIN X-----\nA\n-----END Y-----"] {
            assert_eq!(clean(text), None, "{text}");
        }
    }
}
