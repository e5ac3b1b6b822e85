-- A script for wrk: sends the requests of a file in turn, repeatedly. Each line of the file is a request: method, path,
-- session token and JSON body, separated by tabs. The last line of the output is JSON; times are in microseconds.

local requests = {}
local position = 0

function init(arguments)
   for line in io.lines(arguments[1]) do
      local method, path, token, body = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)$")
      local headers = { Host = wrk.headers["Host"] }
      if token ~= "" then headers["Cookie"] = "auth_session=" .. token end
      if body ~= "" then headers["Content-Type"] = "application/json" else body = nil end
      requests[#requests + 1] = wrk.format(method, path, headers, body)
   end
end

function request()
   position = position % #requests + 1
   return requests[position]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests":%d,"duration":%d,"p50":%d,"p99":%d,"failed":%d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      errors.connect + errors.read + errors.write + errors.status + errors.timeout
   ))
end
