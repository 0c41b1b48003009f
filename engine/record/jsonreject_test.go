package record

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// rejectTests are lines that are refused: § marks the column that the reject must name, $A, $B and $T stand for an
// assertion's id, a digest and a timestamp. want is what the message says behind the column.
var rejectTests = []struct{ name, in, want string }{
	// The line is no JSON.
	{"no object", `§vote`, `found 'v', expected an object; one object a line`},
	{"a list", `§[{"kind":"vote"}]`, `found '[', expected an object; one object a line`},
	{"a text", `§"vote"`, `found '"', expected an object`},
	{"an empty object", `{§}`, `kind: found nothing, expected one of evidence, source, assertion, vote, epoch, transition, event, audit, erasure, query`},
	{"an object that goes on in the next line", `{§`, `found the end of the line, expected a field's name in "quotes"`},
	{"a key without quotes", `{§kind:"vote"}`, `found 'k', expected a field's name in "quotes"`},
	{"single quotes", `{§'kind':'vote'}`, `found '\'', expected a field's name in "quotes"`},
	{"no colon", `{"kind"§,"vote"}`, `found ',', expected ":"`},
	{"no value", `{"kind":§}`, `found '}', expected a value`},
	{"no comma", `{"kind":"vote" §"agent":"a"}`, `found '"', expected "," or "}"`},
	{"a comma at the end", `{"kind":"vote",§}`, `found '}', expected a field's name in "quotes"`},
	{"a comma at the end of a list", `{"kind":"event","based_on":["$A",§]}`, `based_on: found ']', expected a value`},
	{"a bracket that does not match", `{"kind":"event","based_on":["$A"§}}`, `based_on: found '}', expected "," or "]"`},
	{"text behind the object", `{"kind":"vote","assertion":"$A","agent":"a","weight":1,$T}§{}`, `found '{', expected nothing behind the object; one object a line`},
	{"a comment", `{"kind":"vote", §// why`, `found '/', expected a field's name in "quotes"`},
	{"NaN", `{"kind":"vote","weight":§NaN}`, `weight: found 'N', expected a value`},
	{"Infinity", `{"kind":"vote","weight":-§Infinity}`, `weight: found 'I', expected a digit`},
	{"a plus", `{"kind":"vote","weight":§+1}`, `weight: found '+', expected a value`},
	{"a leading zero", `{"kind":"vote","weight":0§1}`, `weight: found '1', expected no digit behind a leading zero`},
	{"no digit before the point", `{"kind":"vote","weight":§.5}`, `weight: found '.', expected a value`},
	{"no digit behind the point", `{"kind":"vote","weight":1.§}`, `weight: found '}', expected a digit`},
	{"no exponent", `{"kind":"vote","weight":1e+§}`, `weight: found '}', expected a digit`},
	{"a hex number", `{"kind":"vote","weight":0§x1}`, `found 'x', expected "," or "}"`},
	{"half a word", `{"kind":"vote","weight":tru§}`, `weight: found '}', expected true`},
	{"an open text", `{"kind":"vote","agent":"alice§`, `agent: found the end of the line, expected a closing "`},
	{"an unknown escape", `{"kind":"vote","agent":"\§x41"}`, `agent: found 'x', expected one of "\/bfnrtu behind a backslash`},
	{"a backslash at the end", `{"kind":"vote","agent":"\§`, `agent: found the end of the line`},
	{"an escape of 3 digits", `{"kind":"vote","agent":"\u00a§"}`, `agent: found '"', expected 4 hex digits behind \u`},
	{"half a surrogate pair", `{"kind":"vote","agent":"a§\ud83dx"}`, `agent: found half of a surrogate pair, \ud83d, expected a character; the text was cut`},
	{"the other half", `{"kind":"vote","agent":"§\ude00"}`, `agent: found half of a surrogate pair, \ude00`},
	{"two first halves", `{"kind":"vote","agent":"§\ud83d\ud83d"}`, `agent: found half of a surrogate pair, \ud83d`},
	{"a second half of 3 digits", `{"kind":"vote","agent":"\ud83d\ude0§"}`, `agent: found '"', expected 4 hex digits behind \u`},
	{"half a surrogate pair in a key", `{"§\ud83d":1}`, `found half of a surrogate pair`},
	{"a tab in a text", "{\"kind\":\"vote\",\"agent\":\"a§\tb\"}", `agent: found a control character '\t', expected text; write it as an escape`},
	{"a NUL in the line", "{\"kind\":§\x00}", `found '\x00', expected a value`},
	{"bytes that are not UTF-8", "{\"kind\":\"vote\",\"agent\":\"ü§\xff\"}", `found the byte 0xff, expected UTF-8 text; bytes that are no text travel as content_base64`},
	{"a surrogate in UTF-8", "{\"agent\":\"§\xed\xa0\xbd\"}", `found the byte 0xed`},
	{"an overlong form", "{\"agent\":\"§\xc0\xaf\"}", `found the byte 0xc0`},
	{"UTF-16", "§\xff\xfe{\x00\"\x00", `found the byte 0xff, expected UTF-8 text; this looks like UTF-16; save the file as UTF-8`},
	{"a byte order mark in the middle", "{}\n§\ufeff{}", `found '\ufeff', expected an object`},
	{"nesting without end", `{"kind":"audit","findings":` + strings.Repeat("[", 15) + "§" + strings.Repeat("[", 100000), `findings: found deeper nesting, expected at most 16 levels`},
	{"a fault in an object that is read over", `{"kind":"audit","findings":[{"code":§}]}`, `findings: found '}', expected a value`},
	{"a key without quotes in an object that is read over", `{"kind":"audit","findings":[{§code:1}]}`, `findings: found 'c', expected a field's name`},
	{"no comma in an object that is read over", `{"kind":"audit","findings":[{"a":1 §"b":2}]}`, `findings: found '"', expected "," or "}"`},
	{"columns are characters", `{"kind":"vote","agent":"größe","assertion":"$A","weight":§2}`, `weight: found 2`},

	// Keys.
	{"no kind", `{"agent":"a"§}`, `kind: found nothing, expected one of evidence`},
	{"an unknown kind", `{"kind":§"claim"}`, `kind: found "claim", expected one of evidence`},
	{"a kind in another case", `{"kind":§"Vote"}`, `kind: found "Vote", expected one of evidence`},
	{"a kind that is no text", `{"kind":§4}`, `kind: found 4, expected one of evidence`},
	{"a key in another case", `{"kind":"vote",§"Agent":"a"}`, `found a field "Agent", expected "agent"`},
	{"a key in another case beside the right one", `{"kind":"vote","agent":"a",§"AGENT":"b"}`, `found a field "AGENT", expected "agent"`},
	{"a key with two letters swapped", `{"kind":"assertion",§"predicaet":"a"}`, `found a field "predicaet", expected "predicate"`},
	{"a key of no kind", `{"kind":"vote",§"colour":"red"}`, `found a field "colour", expected the fields of a vote; it has kind, id, assertion, agent, weight, timestamp`},
	{"a key of another kind", `{"kind":"query",§"result":{}}`, `found a field "result", expected the fields of a query`},
	{"a key longer than any name", `{"kind":"vote",§"` + strings.Repeat("agent", 20) + `":1}`, `found a field "` + strings.Repeat("agent", 16) + `…", expected the fields of a vote`},
	{"a key that is an escape sequence", `{"kind":"vote",§"\u001b[2J":1}`, `found a field "\x1b[2J"`},
	{"a key twice", `{"kind":"vote","agent":"a",§"agent":"a"}`, `agent: found the field a second time, expected each field once`},
	{"a key twice, once with an escape", `{"kind":"vote","agent":"a",§"\u0061gent":"a"}`, `agent: found the field a second time`},
	{"kind twice", `{"kind":"vote",§"kind":"epoch"}`, `kind: found the field a second time`},
	{"a key twice below", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","result":{"share":0,§"share":0}}`, `result.share: found the field a second time`},
	{"a key unknown below", `{"kind":"assertion","subject":"a","predicate":"b","object":{§"Ref":"$A"}}`, `object: found a field "Ref", expected "ref"`},

	// Missing and mistyped fields.
	{"a missing field is missed at the end", `{"kind":"vote","assertion":"$A","weight":1,$T§}`, `agent: found nothing, expected a text`},
	{"a null where something must be", `{"kind":"vote","assertion":"$A","agent":§null,"weight":1,$T}`, `agent: found null, expected a text`},
	{"a null where a default stands", `{"kind":"source","name":"n","agent":"a","authority":§null,$T}`, `authority: found null, expected a number from 0 to 1`},
	{"an empty text where one must be", `{"kind":"vote","assertion":"$A","agent":§"","weight":1,$T}`, `agent: found nothing, expected a text`},
	{"a number for a text", `{"kind":"vote","assertion":"$A","agent":§7,"weight":1,$T}`, `agent: found 7, expected a text`},
	{"a text for a number", `{"kind":"vote","assertion":"$A","agent":"a","weight":§"1",$T}`, `weight: found "1", expected a number from -1 to 1`},
	{"an object for a number", `{"kind":"vote","assertion":"$A","agent":"a","weight":§{},$T}`, `weight: found an object, expected a number from -1 to 1`},
	{"a boolean for a number", `{"kind":"vote","assertion":"$A","agent":"a","weight":§true,$T}`, `weight: found true`},
	{"a missing weight", `{"kind":"vote","assertion":"$A","agent":"a",$T§}`, `weight: found nothing, expected a number from -1 to 1`},
	{"a missing timestamp", `{"kind":"vote","assertion":"$A","agent":"a","weight":1§}`, `timestamp: found nothing, expected a time such as 2024-01-15T21:03:47Z`},
	{"a missing object", `{"kind":"assertion","subject":"a","predicate":"b","confidence":1,"agent":"a",$T,"source":"$B"§}`, `object: found nothing, expected a text, a number, true, false, or {"ref":ID}`},
	{"a missing source", `{"kind":"assertion","subject":"a","predicate":"b","object":1,"confidence":1,"agent":"a",$T§}`, `source: found nothing, expected the id in full or the label of a source (s_) or evidence (b_)`},
	{"a missing stage", `{"kind":"transition","assertion":"$A","agent":"a",$T§}`, `to: found nothing, expected a lifecycle stage: Proposed, UnderReview`},
	{"a stage that is a number", `{"kind":"transition","assertion":"$A","to":§5,"agent":"a",$T}`, `to: found 5, expected a lifecycle stage: Proposed`},
	{"a stage that does not exist", `{"kind":"transition","assertion":"$A","to":§"Done","agent":"a",$T}`, `to: found "Done", expected a lifecycle stage: Proposed`},
	{"an event of no type", `{"kind":"event","type":§"party",$T,"agent":"a","title":"t"}`, `type: found "party", expected an event type: deploy, alert, rollback, decision, note`},
	{"an evidence line without a document", `{"kind":"evidence"§}`, `content: found nothing, expected the document as content or content_base64`},

	// Numbers.
	{"above the range", `{"kind":"vote","assertion":"$A","agent":"a","weight":§1.5,$T}`, `weight: found 1.5, expected a number from -1 to 1`},
	{"above the range by less than binary32 can tell", `{"kind":"vote","assertion":"$A","agent":"a","weight":§1.00000001,$T}`, `weight: found 1.00000001, expected`},
	{"below the range", `{"kind":"vote","assertion":"$A","agent":"a","weight":§-2,$T}`, `weight: found -2`},
	{"beyond binary64", `{"kind":"vote","assertion":"$A","agent":"a","weight":§1e999,$T}`, `weight: found 1e999`},
	{"a negative zero", `{"kind":"vote","assertion":"$A","agent":"a","weight":§-0,$T}`, `weight: found -0, which is -0, expected a number from -1 to 1; write 0`},
	{"a number that rounds to a negative zero", `{"kind":"vote","assertion":"$A","agent":"a","weight":§-1e-99,$T}`, `weight: found -1e-99, which is -0`},
	{"a whole number beyond 2^53", `{"kind":"assertion","subject":"a","predicate":"b","object":§9007199254740993}`, `object: found 9007199254740993, expected a whole number from -2^53 to 2^53; write it as a text`},
	{"a whole number below -2^53", `{"kind":"assertion","subject":"a","predicate":"b","object":§-9007199254740993}`, `object: found -9007199254740993`},
	{"a whole number beyond 2^64", `{"kind":"assertion","subject":"a","predicate":"b","object":§99999999999999999999}`, `object: found 99999999999999999999`},
	{"a number beyond binary64", `{"kind":"assertion","subject":"a","predicate":"b","object":§1e400}`, `object: found 1e400, expected a number that a binary64 can hold`},
	{"an object of -0", `{"kind":"assertion","subject":"a","predicate":"b","object":§-0}`, `object: found -0, which is -0`},
	{"an object of -0.0", `{"kind":"assertion","subject":"a","predicate":"b","object":§-0.0}`, `object: found -0.0, which is -0`},
	{"an object of null", `{"kind":"assertion","subject":"a","predicate":"b","object":§null,"confidence":1,"agent":"a",$T,"source":"$B"}`, `object: found nothing, expected a text, a number, true or false, or a reference`},
	{"an object that is a list", `{"kind":"assertion","subject":"a","predicate":"b","object":§["a"]}`, `object: found a list, expected a text, a number, true, false, or {"ref":ID}; write one assertion for each item`},
	{"a reference to nothing", `{"kind":"assertion","subject":"a","predicate":"b","object":{§}}`, `object.ref: found nothing, expected an id in full or a label`},
	{"an LSN with a point", `{"kind":"erasure","target":"$A","lsn":§3.0,"agent":"a","reason":"r",$T}`, `lsn: found 3.0, expected a whole number from 0 to 2^53`},
	{"an LSN of 0", `{"kind":"erasure","target":"$A","lsn":§0,"agent":"a","reason":"r",$T}`, `lsn: found 0, expected the LSN of the record that was erased`},
	{"an LSN beyond 2^53", `{"kind":"erasure","target":"$A","lsn":§9007199254740993,"agent":"a","reason":"r",$T}`, `lsn: found 9007199254740993`},

	// Times.
	{"a day", `{"kind":"vote","assertion":"$A","agent":"a","weight":1,"timestamp":§"2024-01-15"}`, `timestamp: found "2024-01-15", expected a time such as 2024-01-15T21:03:47Z`},
	{"no zone", `{"kind":"vote","assertion":"$A","agent":"a","weight":1,"timestamp":§"2024-01-15T21:03:47"}`, `timestamp: found "2024-01-15T21:03:47", expected a time`},
	{"a number of seconds", `{"kind":"vote","assertion":"$A","agent":"a","weight":1,"timestamp":§1705352627}`, `timestamp: found 1705352627, expected a time`},
	{"before 1970", `{"kind":"vote","assertion":"$A","agent":"a","weight":1,"timestamp":§"1969-12-31T23:59:59Z"}`, `timestamp: found "1969-12-31T23:59:59Z", expected a time from 1970-01-01T00:00:00Z to 2262-04-11T23:47:16.854775807Z`},
	{"a day that does not exist", `{"kind":"vote","assertion":"$A","agent":"a","weight":1,"timestamp":§"2024-02-30T00:00:00Z"}`, `timestamp: found "2024-02-30T00:00:00Z", expected a day and a time that exist`},
	{"10 digits of a second", `{"kind":"vote","assertion":"$A","agent":"a","weight":1,"timestamp":§"2024-01-15T21:03:47.1234567890Z"}`, `timestamp: found "2024-01-15T21:03:47.1234567890Z", expected a time with 1 to 9 digits behind the point`},

	// Ids and labels.
	{"a prefix of an id", `{"kind":"vote","assertion":§"a_0011"}`, `assertion: found "a_0011", expected the id in full or the label of an assertion (a_); a file carries the letter, the underscore and all 64 digits in lower case`},
	{"an id of another kind", `{"kind":"vote","assertion":§"$B"}`, `assertion: found the id of evidence, expected the id in full or the label of an assertion (a_)`},
	{"an id of 0", `{"kind":"vote","assertion":§"a_` + "0000000000000000000000000000000000000000000000000000000000000000" + `"}`, `assertion: found "a_0000`},
	{"a label without @", "{\"kind\":\"epoch\",\"id\":\"y\",\"name\":\"y\",\"agent\":\"a\",$T}\n{\"kind\":\"epoch\",\"name\":\"z\",\"agent\":\"a\",$T,\"supersedes\":§\"y\"}", `supersedes: found "y", expected the id in full or the label of an epoch (e_); to name the label write @ before it`},
	{"a label of another kind", "{\"kind\":\"epoch\",\"id\":\"y\",\"name\":\"y\",\"agent\":\"a\",$T}\n{\"kind\":\"vote\",\"assertion\":§\"@y\"}", `assertion: found the id of an epoch, expected the id in full or the label of an assertion (a_)`},
	{"a label of its own line", `{"kind":"epoch","id":"y","name":"y","agent":"a",$T,"supersedes":§"@y","supersession":"Additive"}`, `supersedes: found "@y", expected a label that a line above defines`},
	{"an empty label", `{"kind":"vote","assertion":§"@"}`, `assertion: found "@", expected a label that a line above defines`},
	{"a label that begins with @", `{"kind":"vote","id":§"@v","assertion":"$A"}`, `id: found "@v", expected a label: 1 to 512 bytes, without @ at its start`},
	{"a label of no length", `{"kind":"vote","id":§"","assertion":"$A"}`, `id: found an empty text, expected a label`},
	{"a label of 513 bytes", `{"kind":"vote","id":§"` + strings.Repeat("x", 513) + `"}`, `id: found 513 bytes, expected a label`},
	{"a label that is a number", `{"kind":"vote","id":§1}`, `id: found 1, expected a text`},
	{"a label twice in a line", `{"kind":"assertion","id":"x","subject":"a","predicate":"b","object":1,"confidence":1,"agent":"a",$T,"source":{"id":§"x","name":"n"}}`, `source.id: found "x", which is the label of the line, expected a new label`},
	{"a source that nobody knows", `{"kind":"assertion","subject":"a","predicate":"b","object":1,"confidence":1,"agent":"a",$T,"source":§"s_` + digits64 + `"}`, `source: found s_` + digits64 + `, expected a source that stands above or in the journal; send the source first`},
	{"a source that is an assertion", `{"kind":"assertion","subject":"a","predicate":"b","object":1,"confidence":1,"agent":"a",$T,"source":§"$A"}`, `source: found the id of an assertion, expected`},
	{"a parent that is a vote", `{"kind":"assertion","subject":"a","predicate":"b","object":1,"confidence":1,"agent":"a",$T,"source":"$B","parents":["$A",§"v_` + digits64 + `"]}`, `parents[1]: found the id of a vote, expected the id in full or the label of an assertion (a_) or an audit (q_)`},
	{"parents that are no list", `{"kind":"assertion","subject":"a","predicate":"b","object":1,"confidence":1,"agent":"a",$T,"source":"$B","parents":§"$A"}`, `parents: found "a_`},
	{"65 parents", `{"kind":"event","type":"note",$T,"agent":"a","title":"t","based_on":[` + strings.Repeat(`"$A",`, 64) + `§"$A"]}`, `based_on: found more items, expected at most 64`},

	// Sources.
	{"a digest that disagrees", `{"kind":"source","name":"n","digest":§"$B","agent":"a",$T,"content":"abc"}`, `digest: found ` + digits64 + `, expected 6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85, which is BLAKE3-256 of the content`},
	{"a digest in upper case", `{"kind":"source","name":"n","digest":§"B_00","agent":"a",$T}`, `digest: found "B_00", expected the id in full or the label of evidence (b_)`},
	{"content twice", `{"kind":"source","name":"n","agent":"a",$T,"content":"abc","content_base64":§"YWJj"}`, `content_base64: found content as well, expected content or content_base64, not both`},
	{"base64 without padding", `{"kind":"evidence","content_base64":§"YQ"}`, `content_base64: found illegal base64 data at input byte`},
	{"base64 of URLs", `{"kind":"evidence","content_base64":§"_-8="}`, `content_base64: found illegal base64 data at input byte 0`},
	{"base64 with bits to spare", `{"kind":"evidence","content_base64":§"YR=="}`, `content_base64: found illegal base64 data`},
	{"base64 with a line break", `{"kind":"evidence","content_base64":§"YQ==\n"}`, `content_base64: found a line break`},
	{"a document above 1 MiB", `{"kind":"evidence","content":§"` + strings.Repeat("x", MaxEvidenceBytes+1) + `"}`, `content: found a document of 1048577 bytes, expected at most 1048576`},
	{"base64 that is a number", `{"kind":"evidence","content_base64":§1}`, `content_base64: found 1, expected base64`},
	{"content that is a list", `{"kind":"evidence","content":§["a"]}`, `content: found a list, expected a text`},
	{"an unknown key of a source in place", `{"kind":"assertion","subject":"a","predicate":"b","object":1,"confidence":1,"agent":"a",$T,"source":{§"Name":"n"}}`, `source: found a field "Name", expected "name"`},
	{"an authority above 1", `{"kind":"source","name":"n","authority":§2,"agent":"a",$T}`, `authority: found 2, expected a number from 0 to 1`},
	{"a source in place without a name", `{"kind":"assertion","subject":"a","predicate":"b","object":1,"confidence":1,"agent":"a",$T,"source":{"authority":1§}}`, `source.name: found nothing, expected a text`},
	{"a source in place of another kind", `{"kind":"assertion","subject":"a","predicate":"b","object":1,"confidence":1,"agent":"a",$T,"source":{"kind":§"vote","name":"n"}}`, `source.kind: found "vote", expected "source"`},
	{"a limit in a source in place", `{"kind":"assertion","subject":"a","predicate":"b","object":1,"confidence":1,"agent":"a",$T,"source":{"name":§"` + strings.Repeat("x", 4097) + `"}}`, `source.name: found 4097 bytes, expected at most 4096`},

	// Rules that Check holds land on the field's value.
	{"a subject of 513 bytes", `{"kind":"assertion","subject":§"` + strings.Repeat("x", 513) + `","predicate":"b","object":1,"confidence":1,"agent":"a",$T,"source":"$B"}`, `subject: found 513 bytes, expected at most 512`},
	{"a query's subject of 513 bytes", `{"kind":"query","agent":"a","subject":§"` + strings.Repeat("x", 513) + `","predicate":"b",$T}`, `subject: found 513 bytes, expected at most 512`},
	{"an epoch that supersedes nothing in some way", `{"kind":"epoch","name":"n","agent":"a",$T,"supersession":§"Temporal"}`, `supersession: found Temporal, expected nothing, because supersedes is absent`},
	{"an epoch that supersedes in no way", `{"kind":"epoch","name":"n","agent":"a",$T,"supersedes":"e_` + digits64 + `"§}`, `supersession: found nothing, expected a supersession: Temporal, Invalidated, Additive`},

	// Labels of records.
	{"labels that are a list", `{"kind":"event","type":"note",$T,"agent":"a","title":"t","labels":§["a"]}`, `labels: found a list, expected an object of texts`},
	{"a label's value that is a number", `{"kind":"event","type":"note",$T,"agent":"a","title":"t","labels":{"version":§2}}`, `labels.version: found 2, expected a text`},
	{"a label twice", `{"kind":"event","type":"note",$T,"agent":"a","title":"t","labels":{"env":"a",§"env":"a"}}`, `labels.env: found the label a second time, expected each label once`},
	{"a label without a name", `{"kind":"event","type":"note",$T,"agent":"a","title":"t","labels":{§"":"a"}}`, `labels.: found a label without a name, expected a name`},
	{"a label's name of 4097 bytes", `{"kind":"event","type":"note",$T,"agent":"a","title":"t","labels":{§"` + strings.Repeat("x", 4097) + `":""}}`, `labels.xxx`},
	{"17 labels", `{"kind":"event","type":"note",$T,"agent":"a","title":"t","labels":{"a":"","b":"","c":"","d":"","e":"","f":"","g":"","h":"","i":"","j":"","k":"","l":"","m":"","n":"","o":"","p":"",§"q":""}}`, `labels.q: found one label more, expected at most 16`},
	{"a label's value of 4097 bytes", `{"kind":"event","type":"note",$T,"agent":"a","title":"t","labels":{"a":§"` + strings.Repeat("x", 4097) + `"}}`, `labels.a: found 4097 bytes, expected at most 4096`},

	// Queries and audits.
	{"a query through no lens", `{"kind":"query","agent":"a","subject":"s","predicate":"p","lens":§"loudest",$T}`, `lens: found "loudest", expected consensus, authority, recency or skeptic`},
	{"a query through external", `{"kind":"query","agent":"a","subject":"s","predicate":"p","lens":§"external",$T}`, `lens: found "external"`},
	{"a query with an answer", `{"kind":"query",§"value":1}`, `found a field "value", expected the fields of a query`},
	{"a half-life of another lens", `{"kind":"query","agent":"a","subject":"s","predicate":"p","lens":"authority","lens_params":{"half_life":§"36h"},$T}`, `lens_params.half_life: found a half-life, expected none: only the lens recency has one`},
	{"a half-life of the lens by default", `{"kind":"query","agent":"a","subject":"s","predicate":"p","lens_params":{"half_life":§"36h"},$T}`, `lens_params.half_life: found a half-life, expected none`},
	{"the default half-life of another lens", `{"kind":"query","agent":"a","subject":"s","predicate":"p","lens":"skeptic","lens_params":{"half_life":§"24h"},$T}`, `lens_params.half_life: found a half-life, expected none`},
	{"a half-life without a unit", `{"kind":"query","agent":"a","subject":"s","predicate":"p","lens":"recency","lens_params":{"half_life":§"24"},$T}`, `lens_params.half_life: found "24", expected a half-life such as 36h, from 1s to 87600h`},
	{"a half-life that is a number", `{"kind":"query","agent":"a","subject":"s","predicate":"p","lens":"recency","lens_params":{"half_life":§24},$T}`, `lens_params.half_life: found 24, expected a half-life`},
	{"another parameter", `{"kind":"query","agent":"a","subject":"s","predicate":"p","lens":"recency","lens_params":{§"halflife":"36h"},$T}`, `lens_params: found a field "halflife", expected "half_life"`},
	{"a filter that does not exist", `{"kind":"query","agent":"a","subject":"s","predicate":"p","lifecycle_filter":§"any",$T}`, `lifecycle_filter: found "any", expected a lifecycle stage`},
	{"an audit without a result", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p"§}`, `result: found nothing, expected an object`},
	{"an audit by an agent", `{"kind":"audit",§"agent":"a"}`, `found a field "agent", expected "agent_id"`},
	{"a value without a confidence", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","result":{"value":1§}}`, `result.confidence: found nothing, expected a number from 0 to 1`},
	{"a share above 1", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","result":{"value":1,"confidence":1,"share":§2}}`, `result.share: found 2, expected a number from 0 to 1`},
	{"a value above its limit", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","result":{"value":§"` + strings.Repeat("x", MaxObjectBytes+1) + `","confidence":1,"share":1}}`, `result.value: found 65537 bytes, expected at most 65536`},
	{"a result hash that disagrees", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","result":{},"result_hash":§"` + digits64 + `"}`, `result_hash: found ` + digits64 + `, expected 2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213, the hash of the value`},
	{"a result hash that is none", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","result":{},"result_hash":§"q_00"}`, `result_hash: found "q_00", expected 64 hex digits`},
	{"a pin alone", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","pin":7,"result":{}§}`, `journal: found nothing, expected the journal that the pin counts in`},
	{"a journal alone", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","journal":"00112233445566778899aabbccddeeff","result":{}§}`, `pin: found nothing, expected a pin, because journal is there`},
	{"a journal that is none", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","pin":7,"journal":§"00","result":{}}`, `journal: found "00", expected a log id of 32 hex digits`},
	{"a journal that is a number", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","pin":7,"journal":§7,"result":{}}`, `journal: found 7, expected a log id of 32 hex digits`},
	{"a pin that is a text", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","pin":§"7","journal":"00112233445566778899aabbccddeeff","result":{}}`, `pin: found "7", expected a whole number from 0 to 2^53`},
	{"a result hash that is a number", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","result":{},"result_hash":§7}`, `result_hash: found 7, expected 64 hex digits`},
	{"a journal of 0", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","pin":7,"journal":§"00000000000000000000000000000000","result":{}}`, `journal: found "0000`},
	{"fewer considered than contributed", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","result":{},"considered":§0,"contributing_assertions":[{"hash":"$A","lifecycle":"Approved","weight":1,"source_hash":"$B"}]}`, `considered: found 0, expected at least the 1 that contributed`},
	{"a contribution that is an id", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","result":{},"contributing_assertions":[§"$A"]}`, `contributing_assertions[0]: found "a_`},
	{"a contribution without a weight", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","result":{},"contributing_assertions":[{"hash":"$A","lifecycle":"Approved","source_hash":"$B"§}]}`, `contributing_assertions[0].weight: found nothing, expected a number from 0 to 1`},
	{"a contribution heavier than 1", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","result":{},"contributing_assertions":[{"hash":"$A","lifecycle":"Approved","weight":1,"source_hash":"$B"},{"hash":"$A","lifecycle":"Approved","weight":§1.1,"source_hash":"$B"}]}`, `contributing_assertions[1].weight: found 1.1`},
	{"4097 contributions", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","result":{},"contributing_assertions":[` + strings.Repeat(`{"hash":"$A","lifecycle":"Approved","weight":1,"source_hash":"$B"},`, 4096) + `§{}]}`, `contributing_assertions: found more items, expected at most 4096`},
	{"a key unknown in a contribution", `{"kind":"audit","agent_id":"a",$T,"subject":"s","predicate":"p","result":{},"contributing_assertions":[{§"id":"$A"}]}`, `contributing_assertions[0]: found a field "id", expected the fields of a contribution`},
}

func TestRejects(t *testing.T) {
	fill := strings.NewReplacer("$A", "a_"+digits64, "$B", "b_"+digits64, "$T", `"timestamp":"2024-01-15T19:00:00Z"`)
	for _, tt := range rejectTests {
		t.Run(tt.name, func(t *testing.T) {
			before, after, found := strings.Cut(fill.Replace(tt.in), "§")
			if !found {
				t.Fatal("no § in the line")
			}
			lines := strings.Split(before, "\n")
			last := lines[len(lines)-1]
			// A good line behind shows that the reader goes on.
			r := NewReader(strings.NewReader(before+after+"\n"+vote), "x.jsonl", nil)
			_, rejects := readAll(t, r, nil)
			if len(rejects) == 0 {
				t.Fatal("the line was taken")
			}
			got := rejects[len(rejects)-1]
			if column := utf8.RuneCountInString(last) + 1; got.Line != len(lines) || got.Column != column {
				t.Errorf("line %d, column %d, want %d, %d (%v)", got.Line, got.Column, len(lines), column, got)
			}
			message := got.Error()
			if _, text, _ := strings.Cut(message, ": "); !strings.HasPrefix(text, tt.want) {
				t.Errorf("message %q, want %q", text, tt.want)
			}
			if Clean(message) != message {
				t.Errorf("message %q is not safe to show", message)
			}
			if r.number != len(lines)+1 {
				t.Errorf("the reader ended at line %d, want %d", r.number, len(lines)+1)
			}
		})
	}
}

func TestRejectAgent(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"of a record", `{"kind":"vote","agent":"alice","weight":2}`, "alice"},
		{"of an audit", `{"kind":"audit","agent_id":"bot"}`, "bot"},
		{"behind the fault", `{"kind":"vote","colour":1,"agent":"al\u0069ce"}`, "alice"},
		{"before the end of JSON", `{"kind":"vote","agent":"alice","weight":}`, "alice"},
		{"behind the end of JSON it can't be read", `{"kind":"vote","weight":,"agent":"alice"}`, ""},
		{"that is no text", `{"kind":"vote","agent":7}`, ""},
		{"longer than an agent can be", `{"kind":"vote","agent":"` + strings.Repeat("x", 513) + `"}`, ""},
		{"of nobody", `{"kind":"vote"}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, rejects := readAll(t, NewReader(strings.NewReader(tt.in), "x", nil), nil)
			if len(rejects) != 1 || rejects[0].Agent != tt.want {
				t.Errorf("rejects = %+v, want agent %q", rejects, tt.want)
			}
		})
	}
}

func TestRejectError(t *testing.T) {
	r := &Reject{File: "events.jsonl", Line: 12, Column: 45, Field: "confidence", Found: "1.5", Expected: "a number from 0 to 1"}
	if got, want := r.Error(), "events.jsonl:12:45: confidence: found 1.5, expected a number from 0 to 1"; got != want {
		t.Errorf("Error = %q, want %q", got, want)
	}
	r = &Reject{File: "a\x1bb", Line: 1, Column: 1, Found: "\u202e", Expected: "text", Hint: "mend\nit"}
	if got, want := r.Error(), `a\u001bb:1:1: found \u202e, expected text; mend⏎it`; got != want {
		t.Errorf("Error = %q, want %q", got, want)
	}
}
