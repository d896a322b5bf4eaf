//! What is wrong with a request that is refused before it can mean anything.

/// Which rule of HTTP a message breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The head cannot be read.
    Head,
    /// A method that is no token, or longer than any method.
    Method,
    /// A target in a form that does not belong to the method (`GET *`, an authority alone), or no URI.
    Target,
    /// A field name or value that HTTP does not allow.
    Field,
    /// `Transfer-Encoding` that is not one `chunked`.
    TransferEncoding,
    /// Both `Content-Length` and `Transfer-Encoding`, or several lengths.
    Length,
    /// A body whose framing is broken.
    Body,
    /// `Max-Forwards` that is no number.
    MaxForwards,
}

/// What is ambiguous about a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathFault {
    /// It does not begin with a slash.
    NotAbsolute,
    /// A percent sign without two hexadecimal digits.
    Escape,
    /// `.` or `..` as a segment, raw or encoded.
    DotSegment,
    /// `%2F`, where the document refuses it.
    EncodedSlash,
    /// `\`, raw or encoded.
    Backslash,
    /// An encoded control character.
    Control,
    /// An encoded percent sign before an encoded separator, dot or NUL.
    DoubleEncoding,
    /// An overlong UTF-8 form of an ASCII character.
    Overlong,
}

impl Why {
    /// All of them.
    #[cfg(test)]
    pub(super) const ALL: &'static [Why] = &[
        Why::Head,
        Why::Method,
        Why::Target,
        Why::Field,
        Why::TransferEncoding,
        Why::Length,
        Why::Body,
        Why::MaxForwards,
    ];

    pub(super) fn reason(self) -> &'static str {
        match self {
            Why::Head => "bad_head",
            Why::Method => "bad_method",
            Why::Target => "bad_target",
            Why::Field => "bad_field",
            Why::TransferEncoding => "bad_transfer_encoding",
            Why::Length => "bad_length",
            Why::Body => "bad_body",
            Why::MaxForwards => "bad_max_forwards",
        }
    }

    pub(super) fn detail(self) -> &'static str {
        match self {
            Why::Head => "The head of the request cannot be read.",
            Why::Method => "The method is not one.",
            Why::Target => "The request target does not have the form this method needs.",
            Why::Field => "A header field has a name or a value that HTTP does not allow.",
            Why::TransferEncoding => "Transfer-Encoding must be a single chunked.",
            Why::Length => "The length of the body is given twice.",
            Why::Body => "The framing of the body is broken.",
            Why::MaxForwards => "Max-Forwards is not a number.",
        }
    }
}

impl PathFault {
    /// All of them.
    #[cfg(test)]
    pub(super) const ALL: &'static [PathFault] = &[
        PathFault::Escape,
        PathFault::DotSegment,
        PathFault::EncodedSlash,
        PathFault::Backslash,
        PathFault::Control,
        PathFault::DoubleEncoding,
        PathFault::Overlong,
        PathFault::NotAbsolute,
    ];

    pub(super) fn reason(self) -> &'static str {
        match self {
            PathFault::Escape => "bad_path_escape",
            PathFault::DotSegment => "bad_path_dots",
            PathFault::EncodedSlash => "bad_path_encoded_slash",
            PathFault::Backslash => "bad_path_backslash",
            PathFault::Control => "bad_path_control",
            PathFault::DoubleEncoding => "bad_path_double_encoding",
            PathFault::Overlong => "bad_path_overlong",
            PathFault::NotAbsolute => "bad_path_relative",
        }
    }

    pub(super) fn detail(self) -> &'static str {
        match self {
            PathFault::Escape => "The path has a percent sign without two hexadecimal digits.",
            PathFault::DotSegment => "The path has a dot segment.",
            PathFault::EncodedSlash => "The path has an encoded slash.",
            PathFault::Backslash => "The path has a backslash.",
            PathFault::Control => "The path has an encoded control character.",
            PathFault::DoubleEncoding => "The path is encoded twice.",
            PathFault::Overlong => "The path has an overlong character.",
            PathFault::NotAbsolute => "The path does not begin with a slash.",
        }
    }
}
