'use strict';

require('./shared')(__filename);
