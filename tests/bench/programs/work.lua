-- What Lua programs do: tables, closures, strings, numbers.
local function queens(size)
    local solutions, columns, up, down = 0, {}, {}, {}
    local function place(row)
        if row > size then
            solutions = solutions + 1
            return
        end
        for column = 1, size do
            if not columns[column] and not up[row + column] and not down[row - column + size] then
                columns[column], up[row + column], down[row - column + size] = true, true, true
                place(row + 1)
                columns[column], up[row + column], down[row - column + size] = nil, nil, nil
            end
        end
    end
    place(1)
    return solutions
end

local function spectral(size)
    local function a(i, j) return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1) end
    local u = {}
    for i = 1, size do u[i] = 1.0 end
    for _ = 1, 4 do
        local v = {}
        for i = 1, size do
            local sum = 0.0
            for j = 1, size do sum = sum + a(i - 1, j - 1) * u[j] end
            v[i] = sum
        end
        u = v
    end
    return string.format('%.9f', u[1])
end

local function strings(count)
    local parts = {}
    for i = 1, count do
        parts[#parts + 1] = ('item %d of %s'):format(i, ('x'):rep(i % 9)):gsub('%w+', string.upper)
    end
    table.sort(parts)
    local text, sum = table.concat(parts, ';'), 0
    for word in text:gmatch('%u+') do sum = sum + #word end
    return sum, #text
end

local Account = {}
Account.__index = Account
function Account.new(balance) return setmetatable({balance = balance}, Account) end
function Account:deposit(amount) self.balance = self.balance + amount return self end

for turn = 1, tonumber(arg[1]) do
    local account = Account.new(turn)
    for i = 1, 200000 do account:deposit(i % 7) end
    print(queens(8), spectral(120), strings(6000), account.balance)
end
