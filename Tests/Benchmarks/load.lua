-- What wrk sends. BENCH_REQUESTS is a folder with whole HTTP requests, one a file; BENCH_TURNS names those to send in turn.
-- A receipt that an answer brings (BENCH_RECEIPT is its pattern) is acknowledged by the next request, by the file
-- `acknowledge`, where RECEIPT stands for it and LENGTH for the body's length.
local folder = os.getenv('BENCH_REQUESTS')

local function read(name)
    local file = assert(io.open(folder .. '/' .. name, 'rb'))
    local text = file:read('*a')
    file:close()
    return text
end

local turns, leases = {}, false
for name in os.getenv('BENCH_TURNS'):gmatch('%S+') do
    turns[#turns + 1] = read(name)
    leases = leases or name == 'lease'
end

acknowledgements = 0    -- Sent; global, so that done() can ask for it.

if #turns == 1 and not leases then
    -- Made once, so that Lua costs nothing while it runs.
    wrk.format = function() return turns[1] end
else
    local turn, receipts = 0, {}
    local template, pattern = leases and read('acknowledge'), os.getenv('BENCH_RECEIPT')
    local _, head_end = (template or ''):find('\r\n\r\n', 1, true)
    local rest = template and #template - head_end - (template:find('RECEIPT', head_end, true) and #'RECEIPT' or 0)

    function request()
        local receipt = table.remove(receipts)
        if receipt then
            acknowledgements = acknowledgements + 1
            return (template:gsub('LENGTH', rest + #receipt):gsub('RECEIPT', receipt))
        end
        turn = turn % #turns + 1
        return turns[turn]
    end

    if leases then
        function response(_, _, body)
            receipts[#receipts + 1] = body:match(pattern)
        end
    end
end

local threads = {}
function setup(thread)
    threads[#threads + 1] = thread
end

function done(summary, latency)
    local sent = 0
    for _, thread in ipairs(threads) do sent = sent + thread:get('acknowledgements') end
    local e = summary.errors
    print(string.format('RESULT {"answers":%d,"microseconds":%d,"p50":%.1f,"p99":%.1f,"acknowledgements":%d,"failures":%d}',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), sent,
        e.status + e.connect + e.read + e.write + e.timeout))
end
