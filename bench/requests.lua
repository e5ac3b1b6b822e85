-- A script for wrk: sends the requests of a file in turn, repeatedly. Each line of the file is a request: method, path,
-- body (JSON, a form or empty) and any headers, separated by tabs. The last line of the output is JSON; times are in
-- microseconds.

local requests = {}
local position = 0

function init(arguments)
   for line in io.lines(arguments[1]) do
      local method, path, body, rest = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)(.*)$")
      local headers = { Host = wrk.headers["Host"] }
      for name, value in rest:gmatch("\t([^\t:]+): ([^\t]*)") do headers[name] = value end
      if body == "" then
         body = nil
      else
         headers["Content-Type"] = body:sub(1, 1) == "{" and "application/json" or "application/x-www-form-urlencoded"
      end
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
